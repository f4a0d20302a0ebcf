#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rebuild src/defc/freq_windows.c: a Bloom filter of the eight-byte windows of text that any Windows program may hold: names of
functions it imports, keys of version resources, manifests, common paths, tables of characters. It decides how fast scanning is,
never what is found."""
import pathlib
import re

LOG2 = 17
ASCII = """
LoadLibraryA LoadLibraryW LoadLibraryExA LoadLibraryExW GetProcAddress GetModuleHandleA GetModuleHandleW GetModuleHandleExW GetModuleFileNameA
GetModuleFileNameW FreeLibrary VirtualAlloc VirtualAllocEx VirtualFree VirtualProtect VirtualProtectEx VirtualQuery HeapAlloc HeapFree HeapReAlloc HeapCreate
HeapDestroy HeapSize GetProcessHeap CreateFileA CreateFileW CreateFileMappingA CreateFileMappingW MapViewOfFile UnmapViewOfFile ReadFile WriteFile
CloseHandle SetFilePointer SetFilePointerEx GetFileSize GetFileSizeEx GetFileType GetFileAttributesA GetFileAttributesW SetFileAttributesA SetFileAttributesW FlushFileBuffers SetEndOfFile
FindFirstFileA FindFirstFileW FindNextFileA FindNextFileW FindClose DeleteFileA DeleteFileW CopyFileA CopyFileW MoveFileA MoveFileW MoveFileExW
CreateDirectoryA CreateDirectoryW RemoveDirectoryA RemoveDirectoryW GetCurrentDirectoryA GetCurrentDirectoryW GetFullPathNameA GetFullPathNameW
CreateProcessA CreateProcessW ExitProcess TerminateProcess GetExitCodeProcess GetCurrentProcess GetCurrentProcessId GetCurrentThread GetCurrentThreadId OpenProcess
ReadProcessMemory WriteProcessMemory CreateRemoteThread CreateThread ExitThread ResumeThread SuspendThread TerminateThread GetThreadContext SetThreadContext
WaitForSingleObject WaitForSingleObjectEx WaitForMultipleObjects CreateEventA CreateEventW OpenEventA OpenEventW SetEvent ResetEvent CreateMutexA CreateMutexW
OpenMutexA OpenMutexW ReleaseMutex CreateSemaphoreA CreateSemaphoreW ReleaseSemaphore EnterCriticalSection LeaveCriticalSection InitializeCriticalSection
InitializeCriticalSectionAndSpinCount DeleteCriticalSection InterlockedIncrement InterlockedDecrement InterlockedExchange InterlockedCompareExchange
GetTickCount QueryPerformanceCounter QueryPerformanceFrequency GetSystemTimeAsFileTime GetLocalTime GetSystemTime SystemTimeToFileTime FileTimeToSystemTime
FileTimeToLocalFileTime GetTimeZoneInformation GetLastError SetLastError SetErrorMode FormatMessageA FormatMessageW OutputDebugStringA OutputDebugStringW
MultiByteToWideChar WideCharToMultiByte GetStringTypeA GetStringTypeW LCMapStringA LCMapStringW GetLocaleInfoA GetLocaleInfoW CompareStringA CompareStringW
IsValidCodePage GetCommandLineA GetCommandLineW GetStartupInfoA GetStartupInfoW GetStdHandle SetStdHandle SetHandleCount GetConsoleMode SetConsoleMode
WriteConsoleA WriteConsoleW ReadConsoleA ReadConsoleW AllocConsole GetVersion GetVersionExA GetVersionExW GetSystemInfo GetNativeSystemInfo
GetSystemDirectoryA GetSystemDirectoryW GetWindowsDirectoryA GetWindowsDirectoryW GetTempPathA GetTempPathW GetTempFileNameA GetTempFileNameW
GetEnvironmentVariableA GetEnvironmentVariableW SetEnvironmentVariableA SetEnvironmentVariableW GetEnvironmentStrings GetEnvironmentStringsW
FreeEnvironmentStringsA FreeEnvironmentStringsW ExpandEnvironmentStringsA ExpandEnvironmentStringsW GetComputerNameA GetComputerNameW GetUserNameA GetUserNameW
IsDebuggerPresent UnhandledExceptionFilter SetUnhandledExceptionFilter RaiseException RtlUnwind RtlCaptureContext RtlLookupFunctionEntry RtlVirtualUnwind
IsProcessorFeaturePresent GlobalAlloc GlobalFree GlobalLock GlobalUnlock GlobalSize GlobalReAlloc GlobalMemoryStatus GlobalAddAtomA LocalAlloc LocalFree LocalReAlloc
FindResourceA FindResourceW FindResourceExW LoadResource LockResource SizeofResource FreeResource DeviceIoControl CreateToolhelp32Snapshot Process32First Process32FirstW
Process32Next Process32NextW GetPrivateProfileStringA GetPrivateProfileStringW WritePrivateProfileStringA WritePrivateProfileStringW GetDriveTypeA GetDriveTypeW
GetLogicalDrives GetVolumeInformationA GetVolumeInformationW GetDiskFreeSpaceA GetDiskFreeSpaceW GetDiskFreeSpaceExW CreatePipe PeekNamedPipe ConnectNamedPipe CreateNamedPipeA
DisableThreadLibraryCalls FlushInstructionCache EncodePointer DecodePointer InitializeSListHead
MessageBoxA MessageBoxW CreateWindowExA CreateWindowExW DestroyWindow ShowWindow UpdateWindow EnableWindow RegisterClassA RegisterClassW RegisterClassExA
RegisterClassExW UnregisterClassA DefWindowProcA DefWindowProcW CallWindowProcA CallWindowProcW DispatchMessageA DispatchMessageW TranslateMessage GetMessageA GetMessageW
PeekMessageA PeekMessageW PostQuitMessage SendMessageA SendMessageW PostMessageA PostMessageW SendDlgItemMessageA GetDesktopWindow GetForegroundWindow SetForegroundWindow
GetActiveWindow FindWindowA FindWindowW FindWindowExA GetWindowTextA GetWindowTextW SetWindowTextA SetWindowTextW GetWindowLongA GetWindowLongW SetWindowLongA SetWindowLongW
GetWindowRect GetClientRect SetWindowPos MoveWindow InvalidateRect ScreenToClient ClientToScreen GetCursorPos SetCursorPos SetCapture ReleaseCapture GetKeyState GetAsyncKeyState
GetWindowDC BeginPaint EndPaint FillRect DrawTextA DrawTextW LoadIconA LoadIconW LoadCursorA LoadCursorW LoadBitmapA LoadImageA LoadImageW LoadStringA LoadStringW
LoadMenuA wsprintfA wsprintfW SetTimer KillTimer GetSystemMetrics GetSystemMenu GetDlgItem GetDlgItemTextA SetDlgItemTextA DialogBoxParamA DialogBoxParamW CreateDialogParamA EndDialog
OpenClipboard CloseClipboard SetClipboardData GetClipboardData EmptyClipboard CreatePopupMenu AppendMenuA AppendMenuW TrackPopupMenu DestroyMenu SetWindowsHookExA SetWindowsHookExW
UnhookWindowsHookEx CallNextHookEx ExitWindowsEx SystemParametersInfoA SystemParametersInfoW CharUpperA CharLowerA CharNextA keybd_event mouse_event
CreateCompatibleDC CreateCompatibleBitmap CreateDIBSection StretchBlt SelectObject DeleteObject DeleteDC GetDeviceCaps GetStockObject CreateSolidBrush CreateFontIndirectA CreateFontA
GetObjectA SetBkColor SetTextColor SetBkMode TextOutA
RegOpenKeyA RegOpenKeyExA RegOpenKeyExW RegQueryValueExA RegQueryValueExW RegSetValueExA RegSetValueExW RegCreateKeyA RegCreateKeyExA RegCreateKeyExW RegCloseKey
RegDeleteKeyA RegDeleteKeyW RegDeleteValueA RegDeleteValueW RegEnumKeyExA RegEnumKeyExW RegEnumValueA RegEnumValueW RegQueryInfoKeyA OpenProcessToken OpenThreadToken
AdjustTokenPrivileges LookupPrivilegeValueA LookupPrivilegeValueW GetTokenInformation AllocateAndInitializeSid FreeSid EqualSid OpenSCManagerA OpenSCManagerW OpenServiceA OpenServiceW
CreateServiceA CreateServiceW StartServiceA StartServiceW ControlService DeleteService CloseServiceHandle QueryServiceStatus StartServiceCtrlDispatcherA RegisterServiceCtrlHandlerA
SetServiceStatus CryptAcquireContextA CryptAcquireContextW CryptReleaseContext CryptGenRandom CryptCreateHash CryptHashData CryptDestroyHash CryptEncrypt CryptDecrypt
CoInitialize CoInitializeEx CoUninitialize CoCreateInstance CoCreateGuid CoTaskMemAlloc CoTaskMemFree CLSIDFromProgID CLSIDFromString CreateStreamOnHGlobal OleInitialize
ShellExecuteA ShellExecuteW ShellExecuteExA ShellExecuteExW SHGetFolderPathA SHGetFolderPathW SHGetSpecialFolderPathA SHGetSpecialFolderPathW SHFileOperationA
InternetOpenA InternetOpenW InternetOpenUrlA InternetConnectA InternetReadFile InternetCloseHandle HttpOpenRequestA HttpSendRequestA HttpQueryInfoA URLDownloadToFileA
WSAStartup WSACleanup WSAGetLastError gethostbyname closesocket getsockopt setsockopt ioctlsocket GetModuleInformation EnumProcessModules EnumProcesses
NtQueryInformationProcess ZwUnmapViewOfSection NtUnmapViewOfSection RtlMoveMemory RtlZeroMemory DllRegisterServer DllUnregisterServer DllGetClassObject DllCanUnloadNow
_controlfp __set_app_type __p__fmode __p__commode _adjust_fdiv __setusermatherr __getmainargs __wgetmainargs _XcptFilter _except_handler3 _except_handler4_common
_initterm _initterm_e _acmdln _onexit __dllonexit _beginthreadex _endthreadex _purecall _CxxThrowException __CxxFrameHandler __CxxFrameHandler3 _snprintf _snwprintf _stricmp
_wcsicmp _strnicmp vsprintf swprintf _vsnprintf _vsnwprintf __vbaExceptHandler _CorExeMain _CorDllMain
kernel32.dll KERNEL32.DLL user32.dll USER32.dll advapi32.dll ADVAPI32.dll gdi32.dll shell32.dll SHELL32.dll ole32.dll oleaut32.dll OLEAUT32.dll comctl32.dll comdlg32.dll
msvcrt.dll MSVCRT.dll ntdll.dll ws2_32.dll WS2_32.dll wsock32.dll WSOCK32.dll wininet.dll WININET.dll urlmon.dll version.dll VERSION.dll shlwapi.dll SHLWAPI.dll psapi.dll
crypt32.dll winmm.dll mscoree.dll MSVBVM60.DLL msvcr71.dll msvcp140.dll vcruntime140.dll ucrtbase.dll api-ms-win-crt-runtime-l1-1-0.dll api-ms-win-crt-heap-l1-1-0.dll
"""
LINES = ["!This program cannot be run in DOS mode.\r\r\n$", "!This program must be run under Win32\r\n$7", "Microsoft Visual C++ Runtime Library",
         "This application has requested the Runtime to terminate it in an unusual way.\nPlease contact the application's support team for more information.",
         "abnormal program termination", "pure virtual function call", "Runtime Error!\n\nProgram: ", "<program name unknown>",
         "SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run", "Software\\Microsoft\\Windows NT\\CurrentVersion\\Winlogon",
         "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\Shell Folders", "Software\\Microsoft\\Windows\\CurrentVersion\\Policies\\Explorer",
         "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\", "Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings",
         "Software\\Microsoft\\Internet Explorer\\", "SYSTEM\\CurrentControlSet\\Services\\", "\\Internet Explorer\\iexplore.exe", "\\Explorer\\Quick Launch",
         "C:\\Windows\\System32\\", "C:\\Program Files\\", "HKEY_LOCAL_MACHINE", "HKEY_CURRENT_USER", "HKEY_CLASSES_ROOT", "Microsoft Internet Explorer", "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
         "Sunday\0Monday\0Tuesday\0Wednesday\0Thursday\0Friday\0Saturday", "January\0February\0March\0April\0May\0June\0July\0August\0September\0October\0November\0December",
         "HH:mm:ss\0dddd, MMMM dd, yyyy\0MM/dd/yy", " is not supported", "e+000", "GAIsProcessorFeaturePresent"]
MANIFEST = ["<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\r\n<assembly xmlns=\"urn:schemas-microsoft-com:asm.v1\" manifestVersion=\"1.0\">\r\n",
            "<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\r\n<assembly xmlns='urn:schemas-microsoft-com:asm.v1' manifestVersion='1.0'>\r\n",
            "  <trustInfo xmlns=\"urn:schemas-microsoft-com:asm.v3\">\r\n    <security>\r\n      <requestedPrivileges>\r\n        <requestedExecutionLevel level=\"asInvoker\" uiAccess=\"false\"/>\r\n"
            "      </requestedPrivileges>\r\n    </security>\r\n  </trustInfo>\r\n</assembly>", "<trustInfo xmlns=\"urn:schemas-microsoft-com:asm.v2\">",
            "<requestedExecutionLevel level='asInvoker' uiAccess='false' />", "level=\"requireAdministrator\"", "level=\"highestAvailable\"",
            "<dependency>\r\n    <dependentAssembly>\r\n      <assemblyIdentity type=\"win32\" name=\"Microsoft.Windows.Common-Controls\" version=\"6.0.0.0\" processorArchitecture=\"x86\" "
            "publicKeyToken=\"6595b64144ccf1df\" language=\"*\"/>\r\n    </dependentAssembly>\r\n  </dependency>", "processorArchitecture=\"*\"", "processorArchitecture=\"amd64\"",
            "<asmv3:application><asmv3:windowsSettings xmlns=\"http://schemas.microsoft.com/SMI/2005/WindowsSettings\"><dpiAware>true</dpiAware></asmv3:windowsSettings>",
            "http://schemas.microsoft.com/SMI/2016/WindowsSettings\">", "<compatibility xmlns=\"urn:schemas-microsoft-com:compatibility.v1\">\r\n    <application>\r\n      <supportedOS Id=\"{35138b9a-5d96-4fbd-8e2d-a2440225f93a}\"/>",
            "<windowsSettings xmlns=\"", "PAPADDINGXXPADDINGPADDINGXXPADDINGPAD"]
WIDE = ["VS_VERSION_INFO", "StringFileInfo", "VarFileInfo\0\0Translation", "040904B0", "040904b0", "040904E4", "040904e4", "000004b0", "00000409", "CompanyName\0\0Microsoft Corporation", "CompanyName\0\0\0Microsoft Corporation",
        "FileDescription\0", "FileDescription\0\0", "FileVersion\0", "FileVersion\0\0", "InternalName\0", "InternalName\0\0", "LegalCopyright\0\0", "LegalCopyright\0", "LegalTrademarks", "OriginalFilename\0", "OriginalFilename\0\0", "ProductName\0",
        "ProductName\0\0", "ProductVersion\0", "ProductVersion\0\0", "Comments\0", "PrivateBuild", "SpecialBuild", "OLESelfRegister", "Assembly Version", "Microsoft Corporation. All rights reserved.", "Copyright (C) ",
        "Microsoft Windows Operating System", "Microsoft(R) Windows(R) Operating System", "Internet Explorer", "Windows Internet Explorer", "1, 0, 0, 1", "1.0.0.0", "0.0.0.0", "6.1.7600.16385 (win7_rtm.090713-1255)", "MS Shell Dlg", "MS Shell Dlg 2", "MS Sans Serif",
        "Cancel\0", "&Cancel", "kernel32.dll", "KERNEL32.DLL", "mscoree.dll", "ntdll.dll", "user32.dll", "advapi32.dll", "shell32.dll"]


def windows(text):
    folded = bytes(byte | 0x20 for byte in text)
    return {int.from_bytes(folded[at:at + 8], "little") for at in range(len(folded) - 7)}


def everything():
    found = set()
    names = ASCII.split()
    for text in names + LINES + MANIFEST:
        found |= windows(text.encode("latin-1"))
    for name in names:  # of names that come in an ANSI and a wide form: without the letter, and before the end
        found |= windows(re.sub("[AW]$", "", name).encode("latin-1") + b"\0")
    for text in WIDE + LINES[8:23]:
        found |= windows(text.encode("utf-16-le"))
    ramp = bytes(range(256))
    lower, upper = ramp.lower(), ramp.upper()
    for table in (ramp, lower, upper, ramp[::-1]):
        found |= windows(table)
    found |= windows(ramp.decode("latin-1").encode("utf-16-le"))
    return sorted(found)


def mix(window):
    h = window * 0xD6E8FEB86659FD93 & (1 << 64) - 1
    return (h ^ h >> 32) * 0x9E3779B97F4A7C15 & (1 << 64) - 1


def main():
    words = [0] * ((1 << LOG2) // 64)
    for window in everything():
        h = mix(window)
        for bit in (h >> (64 - LOG2), h >> 8 & (1 << LOG2) - 1):
            words[bit // 64] |= 1 << bit % 64
    lines = ["    " + ",".join(f"0x{word:x}" for word in words[at:at + 6]) + "," for at in range(0, len(words), 6)]
    text = ("// SPDX-License-Identifier: Apache-2.0\n// lint: table\n"
            "/* Generated by tools/freq_windows.py: text that Windows programs hold. Not for editing. */\n"
            "#include \"defc/freq.h\"\n\n// clang-format off\nconst uint64_t freq_windows[FREQ_WINDOWS_WORDS] = {\n" + "\n".join(lines) + "\n};\n// clang-format on\n")
    (pathlib.Path(__file__).parent.parent / "src/defc/freq_windows.c").write_text(text)


main()

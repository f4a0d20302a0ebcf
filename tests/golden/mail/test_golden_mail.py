#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every case of mail_cases.py through its reader: members, facts and notes are those it was made with.

usage: test_golden_mail.py WALKDUMP [NAME...]
"""
import pathlib
import sys

TESTS = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS / "golden/documents")]
import mail_cases
import test_documents

if __name__ == "__main__":
    sys.exit(test_documents.main(mail_cases.all_cases()))

// SPDX-License-Identifier: Apache-2.0
/*
 * Tasks in children, and the talk with them.
 *
 *   crew_run: place free? --yes--> fork: run, SAY..., PROGRESS..., RESULT --> _exit
 *                         --no---> run here (the outermost run of several places waits instead)
 *
 * A place is a byte in a pipe that all processes of the compile share: who takes it out may fork
 * one child, and puts it back when the child has ended. So a segment that is alone at the end of
 * a compile gets the places that the others had, without anybody planning it. The outermost process
 * only listens when there are several places: a hostile line that kills its reader then kills a
 * child, and the compile ends with a message instead of a core.
 *
 * Messages are told in the order of the tasks. Those of a task whose turn has not come are kept, up
 * to KEPT_MAX bytes; beyond that its socket is not read and it waits in send(). The task whose turn
 * it is is always read; when it has not started and all others wait, it starts without a place. So
 * this cannot stick.
 *
 * When the system gives no more processes, the compile goes on with those it has; with none at all,
 * the outermost process does the work itself. The end of a child is a new try.
 *
 * Fork and not threads: nothing here has locks, the tests' fault counters and libcrypto need none,
 * a child gives its memory back when it ends, and the house has no threads where hostile input is
 * read (docs/decisions/007-parallel-compile.md).
 */
#include "defc/crew.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "os/file.h"
#include "os/spawn.h"

#define KEPT_MAX ((size_t)1 << 20)
#define TEXT_MAX ((size_t)8 * 1024)

enum message_kind { MESSAGE_SAY = 1, MESSAGE_PROGRESS, MESSAGE_RESULT };

/* What goes over the socket, followed by `text` bytes. Both ends are one program. */
struct message {
    uint8_t kind;
    uint8_t level;
    uint16_t where_len; /* SAY: so much of the text is the place; 0: none */
    int32_t code;       /* RESULT: sk_err */
    uint64_t number;    /* SAY: line; PROGRESS: units done */
};

struct packet {
    struct message head;
    uint8_t text[CREW_RESULT_MAX + 1];
};

enum task_state { TASK_WAITS, TASK_RUNS, TASK_ENDED };

struct worker {
    struct spawn_child child;
    enum task_state state;
    bool has_place;
    bool apart;
    bool has_result;
    sk_err err;
    struct buf kept; /* messages before its turn: size_t length, then head and text */
    struct buf result;
};

struct crew {
    struct diag *diag;
    unsigned places;
    int take, put; /* ends of the pipe; -1: one place, no pipe */
    int up;        /* in a child: to the parent; else -1 */
    void (*tell)(void *ctx, uint64_t done);
    void *tell_ctx;
    uint64_t done[CREW_TASKS_MAX]; /* of the outermost run */
    unsigned running;              /* of it, the task that runs here */
    bool refused;                  /* a process could not be started, and that was told */
};

struct run {
    struct crew *crew;
    const struct crew_task *task;
    unsigned count;
    unsigned turn; /* the first task that is not over */
    bool full;     /* no process was to be had; not tried again before one of ours ends */
    struct worker worker[CREW_TASKS_MAX];
    struct packet packet;
};

/* ---- life ------------------------------------------------------------------------------------ */

sk_err crew_new(unsigned places, struct diag *diag, struct crew **out_crew) {
    struct crew *crew = mem_zalloc(1, sizeof *crew);
    if (crew == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    crew->diag = diag;
    crew->places = places == 0 ? 1 : places > CREW_PLACES_MAX ? CREW_PLACES_MAX : places;
    crew->take = crew->put = crew->up = -1;
    if (crew->places > 1) {
        static const uint8_t place[CREW_PLACES_MAX];
        int ends[2];
        if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
            mem_free(crew);
            return sk_fail(SK_E_IO);
        }
        crew->take = ends[0];
        crew->put = ends[1];
        if (write(crew->put, place, crew->places) != (ssize_t)crew->places) {
            crew_free(crew);
            return sk_fail(SK_E_IO);
        }
    }
    *out_crew = crew;
    return sk_ok();
}

void crew_free(struct crew *crew) {
    if (crew != NULL) {
        file_close(&crew->take);
        file_close(&crew->put);
        mem_free(crew);
    }
}

static bool take_place(struct crew *crew) {
    uint8_t place;
    return crew->take >= 0 && read(crew->take, &place, 1) == 1;
}

static void give_place(struct crew *crew) {
    /* The pipe has room: the byte came out of it. */
    ssize_t n = write(crew->put, "", 1);
    (void)n;
}

/* ---- in the child ---------------------------------------------------------------------------- */

static void send_packet(struct crew *crew, const struct message *head, const char *where,
                        struct sk_bytes text) {
    struct message m = *head;
    struct iovec part[3] = {{&m, sizeof m},
                            {(void *)(uintptr_t)where, m.where_len},
                            {(void *)(uintptr_t)text.ptr, text.len}};
    struct msghdr packet = {.msg_iov = part, .msg_iovlen = 3};
    while (sendmsg(crew->up, &packet, MSG_NOSIGNAL) < 0 && errno == EINTR) {
    }
}

static void relay_say(void *ctx, enum diag_level level, const char *where, uint64_t line,
                      const char *text) {
    size_t len = strlen(text);
    size_t where_len = where != NULL ? strlen(where) : 0;
    struct message m = {.kind = MESSAGE_SAY, .level = (uint8_t)level, .number = line};
    m.where_len = (uint16_t)(where_len < TEXT_MAX / 2 ? where_len : TEXT_MAX / 2);
    send_packet(ctx, &m, where,
                (struct sk_bytes){(const uint8_t *)text, len < TEXT_MAX / 2 ? len : TEXT_MAX / 2});
}

void crew_hear(struct crew *crew, void (*tell)(void *ctx, uint64_t done), void *ctx) {
    crew->tell = tell;
    crew->tell_ctx = ctx;
}

static void note_progress(struct crew *crew, unsigned task, uint64_t done) {
    uint64_t sum = 0;
    crew->done[task] = done;
    for (unsigned i = 0; i < CREW_TASKS_MAX; i++) {
        sum += crew->done[i];
    }
    if (crew->tell != NULL) {
        crew->tell(crew->tell_ctx, sum);
    }
}

void crew_progress(struct crew *crew, uint64_t done) {
    if (crew->up < 0) {
        note_progress(crew, crew->running, done);
    } else if (crew->tell != NULL) {
        struct message m = {.kind = MESSAGE_PROGRESS, .number = done};
        send_packet(crew, &m, NULL, (struct sk_bytes){NULL, 0});
    }
}

struct child_start {
    struct crew *crew;
    const struct crew_task *task;
};

static int child_entry(void *ctx, int fd) {
    const struct child_start *start = ctx;
    struct crew *crew = start->crew;
    struct buf result = {0};
    bool nested = crew->up >= 0;
    crew->up = fd;
    crew->diag->say = relay_say;
    crew->diag->ctx = crew;
    if (nested) {
        crew->tell = NULL; /* only the pieces of the outermost run are measured */
    }
    sk_err err = start->task->run(start->task->ctx, true, &result);
    if (!sk_failed(err) && result.len > CREW_RESULT_MAX) {
        err = sk_fail(SK_E_INTERNAL);
    }
    struct message m = {.kind = MESSAGE_RESULT, .code = err.code};
    send_packet(crew, &m, NULL,
                sk_failed(err) ? (struct sk_bytes){NULL, 0}
                               : (struct sk_bytes){result.data, result.len});
    return 0;
}

/* ---- in the parent --------------------------------------------------------------------------- */

static bool is_outermost(const struct crew *crew) {
    return crew->up < 0;
}

static void repeat(struct crew *crew, const struct message *m, struct sk_bytes text) {
    char where[TEXT_MAX + 1];
    char what[TEXT_MAX + 1];
    size_t where_len = m->where_len <= text.len ? m->where_len : text.len;
    size_t what_len = text.len - where_len;
    if (where_len > TEXT_MAX || what_len > TEXT_MAX || m->level > DIAG_ERROR) {
        return;
    }
    memcpy(where, text.ptr, where_len);
    memcpy(what, &text.ptr[where_len], what_len);
    where[where_len] = what[what_len] = '\0';
    diag_say(crew->diag, (enum diag_level)m->level, where_len > 0 ? where : NULL, m->number, "%s",
             what);
}

static sk_err keep_message(struct worker *w, const struct message *m, struct sk_bytes text) {
    uint64_t len = text.len;
    TRY(buf_append(&w->kept, &len, sizeof len));
    TRY(buf_append(&w->kept, m, sizeof *m));
    return buf_append(&w->kept, text.ptr, text.len);
}

static void repeat_kept(struct crew *crew, struct worker *w) {
    struct sk_cursor c = sk_cursor_make(w->kept.data, w->kept.len);
    while (sk_cursor_left(&c) > 0) {
        struct message m;
        uint64_t len = sk_cursor_u64le(&c);
        const void *head = sk_cursor_take(&c, sizeof m);
        const uint8_t *text = sk_cursor_take(&c, len);
        if (head == NULL || text == NULL) {
            break;
        }
        memcpy(&m, head, sizeof m);
        repeat(crew, &m, (struct sk_bytes){text, (size_t)len});
    }
    buf_release(&w->kept);
}

static sk_err take_message(struct run *run, unsigned task, const struct message *m,
                           struct sk_bytes text) {
    struct worker *w = &run->worker[task];
    switch (m->kind) {
    case MESSAGE_SAY:
        if (task == run->turn) {
            repeat(run->crew, m, text);
            return sk_ok();
        }
        return keep_message(w, m, text);
    case MESSAGE_PROGRESS:
        note_progress(run->crew, task, m->number);
        return sk_ok();
    case MESSAGE_RESULT:
        if (w->has_result) {
            return sk_fail(SK_E_INTERNAL); /* one is what an honest child sends */
        }
        w->has_result = true;
        w->err = (sk_err){m->code};
        return buf_append(&w->result, text.ptr, text.len);
    default:
        return sk_fail(SK_E_INTERNAL);
    }
}

static void leave_place(struct crew *crew, struct worker *w) {
    if (w->has_place) {
        give_place(crew);
        w->has_place = false;
    }
}

static void end_worker(struct run *run, unsigned task) {
    struct worker *w = &run->worker[task];
    int status = spawn_end(&w->child, false);
    leave_place(run->crew, w);
    w->state = TASK_ENDED;
    run->full = false;
    if (!w->has_result) {
        char died[80];
        int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        int len = snprintf(died, sizeof died, "a process of the compile died (signal %d)", signal);
        struct message m = {.kind = MESSAGE_SAY, .level = DIAG_ERROR};
        w->err = sk_fail(SK_E_INTERNAL);
        SK_IGNORE(take_message(run, task, &m, (struct sk_bytes){(uint8_t *)died, (size_t)len}),
                  "the task has failed anyway");
    }
}

/* One message, or the end, of a child that has something for us. */
static sk_err hear(struct run *run, unsigned task) {
    struct worker *w = &run->worker[task];
    ssize_t n = recv(w->child.fd, &run->packet, sizeof run->packet, 0);
    if (n < 0 && errno == EINTR) {
        return sk_ok();
    }
    if (n < (ssize_t)sizeof run->packet.head) {
        end_worker(run, task);
        return sk_ok();
    }
    struct message head = run->packet.head;
    return take_message(run, task, &head,
                        (struct sk_bytes){run->packet.text, (size_t)n - sizeof head});
}

/* False: there is no process to be had; the task still waits. */
static bool start_child(struct run *run, unsigned task) {
    struct crew *crew = run->crew;
    struct worker *w = &run->worker[task];
    struct child_start start = {crew, &run->task[task]};
    struct spawn_options options = {.entry = child_entry, .ctx = &start, .keep_all = true};
    if (sk_failed(spawn_fork(&options, &w->child))) {
        if (!crew->refused) {
            crew->refused = true;
            diag_say(crew->diag, DIAG_INFO, NULL, 0,
                     "cannot start another process; the compile goes on with fewer");
        }
        leave_place(crew, w);
        run->full = true;
        return false;
    }
    w->state = TASK_RUNS;
    w->apart = true;
    return true;
}

static void keep_say(void *ctx, enum diag_level level, const char *where, uint64_t line,
                     const char *text) {
    struct worker *w = ctx;
    struct message m = {.kind = MESSAGE_SAY, .level = (uint8_t)level, .number = line};
    struct buf both = {0};
    m.where_len = where != NULL ? (uint16_t)strnlen(where, TEXT_MAX / 2) : 0;
    sk_err err = buf_append(&both, where, m.where_len);
    if (!sk_failed(err)) {
        err = buf_append(&both, text, strnlen(text, TEXT_MAX / 2));
    }
    if (!sk_failed(err)) {
        SK_IGNORE(keep_message(w, &m, (struct sk_bytes){both.data, both.len}),
                  "a message is lost when memory is");
    }
    buf_release(&both);
}

/* Before its turn its messages are kept, as those of a child are. */
static void run_here(struct run *run, unsigned task) {
    struct worker *w = &run->worker[task];
    struct diag *diag = run->crew->diag;
    struct diag before = *diag;
    if (is_outermost(run->crew)) {
        run->crew->running = task;
    }
    w->apart = task != run->turn;
    if (w->apart) {
        diag->say = keep_say;
        diag->ctx = w;
    }
    w->err = run->task[task].run(run->task[task].ctx, w->apart, &w->result);
    if (w->apart) {
        *diag = before;
    }
    w->has_result = true;
    w->state = TASK_ENDED;
}

/* Wait until a child says something, and take it. None may: then they wait for the turn. */
static sk_err listen_once(struct run *run) {
    struct pollfd poll_fd[CREW_TASKS_MAX];
    unsigned of[CREW_TASKS_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < run->count; i++) {
        const struct worker *w = &run->worker[i];
        if (w->state == TASK_RUNS && (i == run->turn || w->kept.len < KEPT_MAX)) {
            of[n] = i;
            poll_fd[n++] = (struct pollfd){.fd = w->child.fd, .events = POLLIN};
        }
    }
    if (n == 0) {
        if (!start_child(run, run->turn)) {
            run_here(run, run->turn);
        }
        return sk_ok();
    }
    if (poll(poll_fd, n, -1) < 0) {
        return errno == EINTR ? sk_ok() : sk_fail(SK_E_IO);
    }
    for (unsigned i = 0; i < n; i++) {
        if (poll_fd[i].revents != 0) {
            TRY(hear(run, of[i]));
        }
    }
    return sk_ok();
}

/* What the calling process does itself: the task whose turn it is, else one that must run here,
 * else any that waits. count: nothing. */
static unsigned next_here(const struct run *run) {
    unsigned best = run->count;
    bool only_listens = is_outermost(run->crew) && run->crew->places > 1;
    for (unsigned i = run->count; i-- > run->turn;) {
        bool mine = run->task[i].here || !only_listens;
        if (run->worker[i].state == TASK_WAITS && mine &&
            (best == run->count || i == run->turn || !run->task[best].here || run->task[i].here)) {
            best = i;
        }
    }
    return best;
}

/* The heaviest task that waits for a child; count: none does. */
static unsigned next_waiting(const struct run *run) {
    unsigned best = run->count;
    for (unsigned i = 0; i < run->count; i++) {
        bool waits = run->worker[i].state == TASK_WAITS && !run->task[i].here;
        if (waits && (best == run->count || run->task[i].weight > run->task[best].weight)) {
            best = i;
        }
    }
    return best;
}

static void start_children(struct run *run) {
    while (!run->full) {
        unsigned task = next_waiting(run);
        if (task == run->count || !take_place(run->crew)) {
            return;
        }
        run->worker[task].has_place = true;
        (void)start_child(run, task);
    }
}

/* The task whose turn it is is over. */
static sk_err finish_turn(struct run *run) {
    struct worker *w = &run->worker[run->turn];
    const struct crew_task *task = &run->task[run->turn];
    TRY(w->err);
    if (task->done != NULL) {
        TRY(task->done(task->ctx, w->apart, (struct sk_bytes){w->result.data, w->result.len}));
    }
    run->turn++;
    if (run->turn < run->count) {
        repeat_kept(run->crew, &run->worker[run->turn]);
    }
    return sk_ok();
}

static sk_err run_all(struct run *run) {
    while (run->turn < run->count) {
        start_children(run);
        if (run->worker[run->turn].state == TASK_ENDED) {
            TRY(finish_turn(run));
            continue;
        }
        unsigned mine = next_here(run);
        if (mine < run->count) {
            run_here(run, mine);
        } else {
            TRY(listen_once(run));
        }
    }
    return sk_ok();
}

sk_err crew_run(struct crew *crew, const struct crew_task *tasks, unsigned count) {
    if (count > CREW_TASKS_MAX) {
        return sk_fail(SK_E_LIMIT);
    }
    struct run *run = mem_zalloc(1, sizeof *run);
    if (run == NULL) {
        return sk_fail(SK_E_NOMEM);
    }
    run->crew = crew;
    run->task = tasks;
    run->count = count;
    for (unsigned i = 0; i < count; i++) {
        run->worker[i].child.fd = -1;
    }
    sk_err err = run_all(run);
    for (unsigned i = 0; i < count; i++) {
        if (run->worker[i].state == TASK_RUNS) {
            (void)spawn_end(&run->worker[i].child, true);
            leave_place(crew, &run->worker[i]);
        }
        buf_release(&run->worker[i].kept);
        buf_release(&run->worker[i].result);
    }
    mem_free(run);
    return err;
}

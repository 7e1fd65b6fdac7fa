/*
 * Starts the processes that are measured, and reaps them. It is C, static and small for one reason: the kernel counts the memory of the
 * parent into a child's ru_maxrss (exec_mmap() in fs/exec.c keeps the peak of the memory that execve() replaces, and that is the parent's after
 * vfork()). Started by a .NET process every plugin would seem to take 40 MiB; started by this one the floor is its own few hundred KiB.
 *
 * It makes a host of its own (network and mount namespace; /run, /var/lib and /etc/cni empty, /sys of that network with the machine's cgroups), and obeys
 * standard input until that ends:
 *   'N'                     makes a network namespace; answers with the number of the descriptor that holds it (i32)
 *   'R' u32 count, calls    runs the calls at the same time; answers with the time from the first start to the last end (i64, ns) and the results
 * A call is u32 argc, u32 envc, u32 size of the strings, u32 size of the input, the strings (arguments, then variables, each with its NUL), the input.
 * A result is i32 wait status, i64 wall ns, i64 user us, i64 system us, i64 largest resident set KiB, then standard output and error as u32 size, bytes.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct call {
    pid_t pid;
    int input, output, error, status;
    int64_t started, ended;
    struct rusage usage;
    char *strings, **words, **variables;
};

static void fail(const char *what)
{
    perror(what);
    exit(2);
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void take(void *to, size_t size)
{
    if (size != 0 && fread(to, size, 1, stdin) != 1)
        exit(0);
}

static uint32_t take_number(void)
{
    uint32_t number;
    take(&number, sizeof number);
    return number;
}

static void give(const void *from, size_t size)
{
    if (size != 0 && fwrite(from, size, 1, stdout) != 1)
        exit(2);
}

static void give_number(int64_t number)
{
    give(&number, sizeof number);
}

static void give_file(int file)
{
    static char buffer[4096];
    struct stat status;
    if (fstat(file, &status) != 0)
        fail("fstat");
    uint32_t size = (uint32_t)status.st_size;
    give(&size, sizeof size);
    for (off_t at = 0; at < status.st_size;) {
        ssize_t count = pread(file, buffer, sizeof buffer, at);
        if (count <= 0)
            fail("pread");
        give(buffer, (size_t)count);
        at += count;
    }
    close(file);
}

static int make_file(void)
{
    int file = memfd_create("stream", MFD_CLOEXEC);
    if (file < 0)
        fail("memfd_create");
    return file;
}

static void cover(const char *path, const char *type)
{
    struct stat status;
    if (stat(path, &status) == 0 && mount(type, path, type, 0, NULL) != 0)
        fail(path);
}

static void enter_host(void)
{
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
        fail("unshare");
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        fail("mount /");
    cover("/run", "tmpfs");
    cover("/var/lib", "tmpfs");
    cover("/etc/cni", "tmpfs");

    /* Without them a plugin that looks for cgroup2 would mount it, for 13 ms, as on no real host. */
    static const char cgroups[] = "/sys/fs/cgroup";
    int tree = open_tree(AT_FDCWD, cgroups, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    cover("/sys", "sysfs");
    if (tree >= 0 && move_mount(tree, "", AT_FDCWD, cgroups, MOVE_MOUNT_F_EMPTY_PATH) != 0)
        fail(cgroups);
    close(tree);
}

static int make_namespace(void)
{
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (own < 0 || unshare(CLONE_NEWNET) != 0)
        fail("unshare");
    int made = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    if (made < 0 || setns(own, CLONE_NEWNET) != 0)
        fail("setns");
    close(own);
    return made;
}

static void read_call(struct call *call)
{
    static char buffer[65536];
    uint32_t argc = take_number(), envc = take_number(), size = take_number(), input = take_number();
    call->strings = malloc(size);
    call->words = calloc(argc + envc + 2, sizeof(char *));
    if (call->strings == NULL || call->words == NULL)
        fail("malloc");
    take(call->strings, size);
    call->variables = call->words + argc + 1;
    char *at = call->strings;
    for (uint32_t i = 0; i < argc + envc; i++, at += strlen(at) + 1)
        call->words[i < argc ? i : i + 1] = at;
    call->input = make_file();
    call->output = make_file();
    call->error = make_file();
    while (input > 0) {
        uint32_t part = input < sizeof buffer ? input : sizeof buffer;
        take(buffer, part);
        if (write(call->input, buffer, part) != (ssize_t)part)
            fail("write");
        input -= part;
    }
    lseek(call->input, 0, SEEK_SET);
}

static void start(struct call *call)
{
    call->started = now();
    call->pid = vfork();
    if (call->pid == 0) {
        dup2(call->input, 0);
        dup2(call->output, 1);
        dup2(call->error, 2);
        execve(call->words[0], call->words, call->variables);
        _exit(127);
    }
    if (call->pid < 0)
        fail("vfork");
}

static void run(uint32_t count)
{
    struct call *calls = calloc(count, sizeof *calls);
    if (calls == NULL)
        fail("calloc");
    for (uint32_t i = 0; i < count; i++)
        read_call(&calls[i]);

    alarm(120); /* something hangs: this process ends, and the one that asked sees it */
    for (uint32_t i = 0; i < count; i++)
        start(&calls[i]);
    for (uint32_t left = count; left > 0; left--) {
        int status;
        struct rusage usage;
        pid_t pid = wait4(-1, &status, 0, &usage);
        int64_t ended = now();
        if (pid < 0)
            fail("wait4");
        for (uint32_t i = 0; i < count; i++)
            if (calls[i].pid == pid) {
                calls[i].status = status;
                calls[i].usage = usage;
                calls[i].ended = ended;
            }
    }
    alarm(0);

    int64_t last = 0;
    for (uint32_t i = 0; i < count; i++)
        last = calls[i].ended > last ? calls[i].ended : last;
    give_number(last - calls[0].started);
    for (uint32_t i = 0; i < count; i++) {
        struct call *call = &calls[i];
        int32_t status = call->status;
        give(&status, sizeof status);
        give_number(call->ended - call->started);
        give_number((int64_t)call->usage.ru_utime.tv_sec * 1000000 + call->usage.ru_utime.tv_usec);
        give_number((int64_t)call->usage.ru_stime.tv_sec * 1000000 + call->usage.ru_stime.tv_usec);
        give_number(call->usage.ru_maxrss);
        give_file(call->output);
        give_file(call->error);
        close(call->input);
        free(call->strings);
        free(call->words);
    }
    free(calls);
}

int main(void)
{
    enter_host();
    for (int order; (order = getchar()) != EOF; fflush(stdout)) {
        if (order == 'N') {
            int32_t made = make_namespace();
            give(&made, sizeof made);
        } else {
            run(take_number());
        }
    }
    return 0;
}

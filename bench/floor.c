// Owns the floor of the benchmark: the least that a program can do on this kernel to set and to read all VFs of a PF.
// Also runs a program and says how long it took and how much memory it held at most. Must not depend on anything of ours.
//
//   floor serve IFNAME   answers each line of standard input with the nanoseconds that it took:
//                        `set COUNT GENERATION` one RTM_SETLINK: MAC, VLAN, spoof check and trust of VFs 0 to COUNT - 1
//                        `read COUNT`           one RTM_GETLINK with VFs, every attribute of each looked at
//                        `read-settings COUNT`  the same without the VFs' statistics
//                        With `wait-` before the word, a thread does it while this one waits for events: what the least
//                        costs a program that goes on with other work while the kernel holds its request.
//   floor replay FILE    answers each line of standard input with the nanoseconds that the reads of the file took
//   floor run FILE PROGRAM ARGUMENT...
//                        runs a program with its output in FILE; prints nanoseconds, most kilobytes resident, exit status

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef RTEXT_FILTER_SKIP_STATS
#define RTEXT_FILTER_SKIP_STATS (1 << 3)
#endif

// 1024 VFs with statistics are 310 KB.
static char buffer[1 << 20];
static int link_socket;
static int link_index;
static uint32_t sequence;

extern char **environ;

static void die(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static int64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static char *put(char *at, uint16_t type, const void *value, uint16_t size) {
  struct rtattr *attribute = (struct rtattr *)at;
  attribute->rta_type = type;
  attribute->rta_len = RTA_LENGTH(size);
  memcpy(RTA_DATA(attribute), value, size);
  return at + RTA_SPACE(size);
}

static void open_link(const char *name) {
  int on = 1;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  link_index = if_nametoindex(name);
  if (link_index == 0) die(name);
  link_socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  if (link_socket < 0) die("socket");
  if (bind(link_socket, (struct sockaddr *)&address, sizeof address) != 0) die("bind");
  setsockopt(link_socket, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
}

static char *begin(uint16_t type, uint16_t flags) {
  struct nlmsghdr *header = (struct nlmsghdr *)buffer;
  struct ifinfomsg *info = NLMSG_DATA(header);
  memset(buffer, 0, NLMSG_SPACE(sizeof *info));
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  header->nlmsg_seq = ++sequence;
  info->ifi_index = link_index;
  return buffer + NLMSG_SPACE(sizeof *info);
}

static void send_to(char *end) {
  struct nlmsghdr *header = (struct nlmsghdr *)buffer;
  header->nlmsg_len = end - buffer;
  if (send(link_socket, buffer, header->nlmsg_len, 0) < 0) die("send");
}

// The same values as generationOf() in values.ts, and the same attributes as vfleet sends: there are no smaller ones.
static void set_vfs(uint32_t count, uint32_t generation) {
  char *at = begin(RTM_SETLINK, NLM_F_ACK);
  struct rtattr *list = (struct rtattr *)at;
  list->rta_type = IFLA_VFINFO_LIST | NLA_F_NESTED;
  at += RTA_LENGTH(0);
  for (uint32_t vf = 0; vf < count; vf++) {
    struct ifla_vf_mac mac = {.vf = vf, .mac = {0x52, 0x54, generation >> 8, generation, vf >> 8, vf}};
    struct ifla_vf_vlan vlan = {.vf = vf, .vlan = 1 + (vf + generation) % 4094};
    struct ifla_vf_spoofchk spoof_check = {.vf = vf, .setting = generation & 1};
    struct ifla_vf_trust trust = {.vf = vf, .setting = generation & 1};
    struct rtattr *info = (struct rtattr *)at;
    info->rta_type = IFLA_VF_INFO;
    at += RTA_LENGTH(0);
    at = put(at, IFLA_VF_MAC, &mac, sizeof mac);
    at = put(at, IFLA_VF_VLAN, &vlan, sizeof vlan);
    at = put(at, IFLA_VF_SPOOFCHK, &spoof_check, sizeof spoof_check);
    at = put(at, IFLA_VF_TRUST, &trust, sizeof trust);
    info->rta_len = at - (char *)info;
  }
  list->rta_len = at - (char *)list;
  send_to(at);
  if (recv(link_socket, buffer, sizeof buffer, 0) < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr))) die("recv");
  struct nlmsgerr *answer = NLMSG_DATA((struct nlmsghdr *)buffer);
  if (answer->error != 0) {
    errno = -answer->error;
    die("RTM_SETLINK");
  }
}

// Sums up every word of every attribute, so that nothing of it can be left out.
static uint32_t read_vf(struct rtattr *info) {
  uint32_t sum = 0;
  int left = RTA_PAYLOAD(info);
  for (struct rtattr *at = RTA_DATA(info); RTA_OK(at, left); at = RTA_NEXT(at, left)) {
    uint32_t *word = RTA_DATA(at);
    for (size_t i = 0; i < RTA_PAYLOAD(at) / sizeof *word; i++) sum += word[i];
  }
  return sum;
}

static uint32_t read_vfs(uint32_t count, uint32_t mask) {
  send_to(put(begin(RTM_GETLINK, 0), IFLA_EXT_MASK, &mask, sizeof mask));
  ssize_t size = recv(link_socket, buffer, sizeof buffer, MSG_TRUNC);
  if (size < 0 || size > (ssize_t)sizeof buffer) die("recv");
  struct nlmsghdr *header = (struct nlmsghdr *)buffer;
  if (header->nlmsg_type != RTM_NEWLINK) die("RTM_GETLINK");
  uint32_t sum = 0, seen = 0;
  int left = IFLA_PAYLOAD(header);
  struct rtattr *at = IFLA_RTA(NLMSG_DATA(header));
  while (RTA_OK(at, left) && at->rta_type != IFLA_VFINFO_LIST) at = RTA_NEXT(at, left);
  // Not up to the list's own length: its 16 bits wrap.
  for (char *entry = RTA_DATA(at); seen < count; seen++) {
    struct rtattr *info = (struct rtattr *)entry;
    if (entry + info->rta_len > buffer + size || info->rta_type != IFLA_VF_INFO) break;
    sum += read_vf(info);
    entry += RTA_ALIGN(info->rta_len);
  }
  if (seen != count) die("not all VFs are there");
  return sum;
}

struct work {
  char name[32];
  unsigned count, generation;
};

static int do_work(const struct work *work) {
  volatile uint32_t sum;
  if (strcmp(work->name, "set") == 0) set_vfs(work->count, work->generation);
  else if (strcmp(work->name, "read") == 0) sum = read_vfs(work->count, RTEXT_FILTER_VF);
  else if (strcmp(work->name, "read-settings") == 0)
    sum = read_vfs(work->count, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
  else return -1;
  (void)sum;
  return 0;
}

// The thread sleeps on a condition, the program in epoll: as an event loop with a pool of threads does.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t handed_over = PTHREAD_COND_INITIALIZER;
static const struct work *at_hand;
static int done_event, events;

static void *work_on_thread(void *unused) {
  const uint64_t one = 1;
  for (;;) {
    pthread_mutex_lock(&lock);
    while (at_hand == NULL) pthread_cond_wait(&handed_over, &lock);
    const struct work *work = at_hand;
    at_hand = NULL;
    pthread_mutex_unlock(&lock);
    if (do_work(work) != 0) exit(2);
    if (write(done_event, &one, sizeof one) < 0) die("eventfd");
  }
  return unused;
}

static void start_thread(void) {
  struct epoll_event event = {.events = EPOLLIN};
  pthread_t thread;
  done_event = eventfd(0, EFD_CLOEXEC);
  events = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ctl(events, EPOLL_CTL_ADD, done_event, &event) != 0) die("epoll");
  if (pthread_create(&thread, NULL, work_on_thread, NULL) != 0) die("thread");
}

static void wait_for_work(const struct work *work) {
  struct epoll_event event;
  uint64_t times;
  pthread_mutex_lock(&lock);
  at_hand = work;
  pthread_cond_signal(&handed_over);
  pthread_mutex_unlock(&lock);
  if (epoll_wait(events, &event, 1, -1) != 1 || read(done_event, &times, sizeof times) < 0) die("epoll");
}

static int serve(const char *name) {
  const char wait[] = "wait-";
  char line[256];
  open_link(name);
  start_thread();
  while (fgets(line, sizeof line, stdin) != NULL) {
    struct work work = {.generation = 0};
    int waits = strncmp(line, wait, strlen(wait)) == 0;
    if (sscanf(line + (waits ? strlen(wait) : 0), "%31s %u %u", work.name, &work.count, &work.generation) < 2) return 2;
    int64_t start = now_ns();
    if (waits) wait_for_work(&work);
    else if (do_work(&work) != 0) return 2;
    printf("%lld\n", (long long)(now_ns() - start));
    fflush(stdout);
  }
  return 0;
}

#include "replay.h"

static int run(char **arguments) {
  posix_spawn_file_actions_t actions;
  pid_t child;
  int status;
  struct rusage usage;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, arguments[0], O_WRONLY | O_CREAT | O_TRUNC, 0600);
  int64_t start = now_ns();
  errno = posix_spawnp(&child, arguments[1], &actions, NULL, arguments + 1, environ);
  if (errno != 0) die(arguments[1]);
  if (wait4(child, &status, 0, &usage) != child) die("wait4");
  int64_t end = now_ns();
  printf("%lld %ld %d\n", (long long)(end - start), usage.ru_maxrss,
         WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}

int main(int count, char **arguments) {
  if (count == 3 && strcmp(arguments[1], "serve") == 0) return serve(arguments[2]);
  if (count == 3 && strcmp(arguments[1], "replay") == 0) return serve_replay(arguments[2]);
  if (count >= 4 && strcmp(arguments[1], "run") == 0) return run(arguments + 2);
  fprintf(stderr, "usage: floor serve IFNAME | floor replay FILE | floor run FILE PROGRAM ARGUMENT...\n");
  return 2;
}

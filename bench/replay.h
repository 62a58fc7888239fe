// Owns the replay: C that does the very reads which vfleet did for one picture of a host, as recording.ts wrote them down.
// Included by floor.c. One operation a line:
//   read PATH   list PATH   link PATH   stat PATH      a file, a folder, a symbolic link, an inode
//   send PROTOCOL HEX                                  a netlink datagram, and all of its answers
//   ioctl IFNAME HEX                                   SIOCETHTOOL

#include <dirent.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

enum { most_operations = 65536, most_protocols = 32 };

struct operation {
  char kind[8];
  char *place;
  char *bytes;
  size_t size;
};

static struct operation operations[most_operations];
static int operation_count;
static int sockets[most_protocols];
static int ioctl_socket;

static int open_netlink(int protocol) {
  int on = 1;
  struct sockaddr_nl address = {.nl_family = AF_NETLINK};
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0) die("netlink");
  setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return fd;
}

static void parse_operation(char *line) {
  struct operation *operation = &operations[operation_count];
  char *kind = strtok(line, " \n");
  char *place = strtok(NULL, " \n");
  char *hex = strtok(NULL, " \n");
  if (kind == NULL || place == NULL || ++operation_count == most_operations) die("replay");
  snprintf(operation->kind, sizeof operation->kind, "%s", kind);
  operation->place = strdup(place);
  if (hex == NULL) return;
  operation->size = strlen(hex) / 2;
  operation->bytes = malloc(operation->size);
  for (size_t i = 0; i < operation->size; i++) sscanf(hex + 2 * i, "%2hhx", &operation->bytes[i]);
  int protocol = atoi(place) % most_protocols;
  if (strcmp(kind, "send") == 0 && sockets[protocol] == 0) sockets[protocol] = open_netlink(protocol);
}

static void open_replay(const char *file) {
  char *line = NULL;
  size_t room = 0;
  FILE *script = fopen(file, "r");
  if (script == NULL) die(file);
  while (getline(&line, &room, script) > 0) parse_operation(line);
  fclose(script);
  free(line);
  ioctl_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static void read_file(const char *path) {
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  if (fd < 0) return;
  while (read(fd, buffer, 1 << 16) > 0) continue;
  close(fd);
}

static void list_folder(const char *path) {
  DIR *folder = opendir(path);
  if (folder == NULL) return;
  while (readdir(folder) != NULL) continue;
  closedir(folder);
}

// Each message of the datagram is answered until its acknowledgement, or the end of its table.
static void ask(int fd, const struct operation *operation) {
  int pending = 0;
  int left = operation->size;
  for (struct nlmsghdr *at = (struct nlmsghdr *)operation->bytes; NLMSG_OK(at, left); at = NLMSG_NEXT(at, left))
    pending++;
  if (send(fd, operation->bytes, operation->size, 0) < 0) die("send");
  while (pending > 0) {
    int size = recv(fd, buffer, sizeof buffer, 0);
    if (size < 0) die("recv");
    for (struct nlmsghdr *at = (struct nlmsghdr *)buffer; NLMSG_OK(at, size); at = NLMSG_NEXT(at, size))
      if (at->nlmsg_type == NLMSG_ERROR || at->nlmsg_type == NLMSG_DONE) pending--;
  }
}

static void ask_driver(const struct operation *operation) {
  struct ifreq request = {.ifr_data = buffer};
  memcpy(buffer, operation->bytes, operation->size);
  strncpy(request.ifr_name, operation->place, IFNAMSIZ - 1);
  ioctl(ioctl_socket, SIOCETHTOOL, &request);
}

static void replay(void) {
  struct stat status;
  for (int i = 0; i < operation_count; i++) {
    const struct operation *operation = &operations[i];
    if (strcmp(operation->kind, "read") == 0) read_file(operation->place);
    else if (strcmp(operation->kind, "list") == 0) list_folder(operation->place);
    else if (strcmp(operation->kind, "link") == 0 && readlink(operation->place, buffer, 4096) < 0) continue;
    else if (strcmp(operation->kind, "stat") == 0 && stat(operation->place, &status) < 0) continue;
    else if (strcmp(operation->kind, "send") == 0) ask(sockets[atoi(operation->place) % most_protocols], operation);
    else if (strcmp(operation->kind, "ioctl") == 0) ask_driver(operation);
  }
}

static int serve_replay(const char *file) {
  char line[256];
  open_replay(file);
  while (fgets(line, sizeof line, stdin) != NULL) {
    int64_t start = now_ns();
    replay();
    printf("%lld\n", (long long)(now_ns() - start));
    fflush(stdout);
  }
  return 0;
}

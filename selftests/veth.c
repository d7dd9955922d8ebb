// SPDX-License-Identifier: MIT
/* A network device with a queue that can be busy polled. See veth.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"
#include "testfiles.h"
#include "veth.h"

#define SENDING_END	"epx0"
#define RECEIVING_END	"epx1"
#define RECEIVER	"10.0.0.1"
#define STRANGER	"10.0.0.2"
#define PORT		7777

/* IPv6 would send packets of its own through the queue. */
static const char make_pair[] =
	"PATH=/usr/sbin:/sbin:/usr/bin:/bin; export PATH\n"
	"[ -d /sys/module/veth ] || modprobe -q veth\n"
	"for scope in all default; do\n"
	"	echo 1 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6\n"
	"done\n"
	"ip -batch - <<-END\n"
	"	link add " SENDING_END " type veth peer name " RECEIVING_END "\n"
	"	addr add " RECEIVER "/24 dev " RECEIVING_END "\n"
	"	link set lo up\n"
	"	link set " SENDING_END " up\n"
	"	link set " RECEIVING_END " up\n"
	"END\n";

static void interface_ioctl(unsigned long command, const char *name,
			    struct ifreq *ifr)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	ASSERT_GE(fd, 0);
	ASSERT_EQ(ioctl(fd, command, ifr), 0);
	close(fd);
}

static void set_offload(const char *name, unsigned int command, int value)
{
	struct ethtool_value offload = { .cmd = command, .data = value };
	struct ifreq ifr = { .ifr_data = (void *)&offload };

	interface_ioctl(SIOCETHTOOL, name, &ifr);
}

static uint16_t ip_checksum(const void *header)
{
	const uint16_t *word = header;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(struct iphdr) / 2; i++)
		sum += word[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

static void fill_frame(struct veth *veth)
{
	struct ether_header ether = { .ether_type = htons(ETHERTYPE_IP) };
	struct iphdr ip = {
		.version = 4, .ihl = sizeof(ip) / 4, .ttl = 64,
		.protocol = IPPROTO_UDP, .saddr = inet_addr(STRANGER),
		.daddr = inet_addr(RECEIVER),
		.tot_len = htons(sizeof(veth->frame) - sizeof(ether)),
	};
	/* No checksum: UDP over IPv4 need not have one. */
	struct udphdr udp = {
		.source = htons(PORT), .dest = htons(PORT),
		.len = htons(sizeof(udp) + 1),
	};
	struct ifreq ifr = {};

	interface_ioctl(SIOCGIFHWADDR, RECEIVING_END, &ifr);
	memcpy(ether.ether_dhost, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	interface_ioctl(SIOCGIFHWADDR, SENDING_END, &ifr);
	memcpy(ether.ether_shost, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	ip.check = ip_checksum(&ip);
	memcpy(veth->frame, &ether, sizeof(ether));
	memcpy(veth->frame + sizeof(ether), &ip, sizeof(ip));
	memcpy(veth->frame + sizeof(ether) + sizeof(ip), &udp, sizeof(udp));
}

/* The devices come up in their own time: until then packets are lost. */
static void wait_until_up(struct veth *veth)
{
	struct pollfd pfd = { .fd = veth->receiver, .events = POLLIN };

	for (int i = 0; i < 1000; i++) {
		veth_send(veth);
		if (poll(&pfd, 1, 10) > 0)
			break;
	}
	ASSERT_GT(veth_drain(veth), 0);
}

void veth_up(struct veth *veth)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(PORT),
		.sin_addr.s_addr = inet_addr(RECEIVER),
	};
	socklen_t length = sizeof(int);
	int napi_id = 0;

	if (geteuid())
		SKIP("needs root, for a network namespace");
	ASSERT_EQ(unshare(CLONE_NEWNET), 0);
	ASSERT_EQ(system(make_pair), 0);
	set_offload(SENDING_END, ETHTOOL_STSO, 0);
	set_offload(RECEIVING_END, ETHTOOL_SGRO, 1);

	veth->receiver = own(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	ASSERT_EQ(bind(veth->receiver, (void *)&address, sizeof(address)), 0);
	veth->sender = own(socket(AF_PACKET, SOCK_RAW, 0));
	veth->index = if_nametoindex(SENDING_END);
	fill_frame(veth);
	wait_until_up(veth);
	ASSERT_EQ(getsockopt(veth->receiver, SOL_SOCKET, SO_INCOMING_NAPI_ID,
			     &napi_id, &length), 0);
	ASSERT_GT(napi_id, 0);
}

void veth_send(struct veth *veth)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET, .sll_ifindex = veth->index,
	};
	ssize_t sent = sendto(veth->sender, veth->frame, sizeof(veth->frame), 0,
			      (void *)&to, sizeof(to));

	/* A device that is not up yet drops it, and may say so. */
	if (sent < 0 && errno == ENOBUFS)
		return;
	ASSERT_EQ(sent, sizeof(veth->frame));
}

int veth_drain(struct veth *veth)
{
	int packets = 0;
	char byte;

	while (recv(veth->receiver, &byte, 1, 0) >= 0)
		packets++;
	ASSERT_EQ(errno, EAGAIN);
	return packets;
}

/* TcpExt is a line of names, then a line of values. */
long veth_busy_polled(void)
{
	char names[8192], values[8192], *name, *value, *a, *b;
	static const char separators[] = { ' ', '\n', 0 };
	FILE *file = fopen("/proc/self/net/netstat", "re");
	long found = -1;

	ASSERT_TRUE(file);
	while (fgets(names, sizeof(names), file) &&
	       fgets(values, sizeof(values), file)) {
		name = strtok_r(names, separators, &a);
		value = strtok_r(values, separators, &b);
		while (name && value) {
			if (!strcmp(name, "BusyPollRxPackets"))
				found = atol(value);
			name = strtok_r(NULL, separators, &a);
			value = strtok_r(NULL, separators, &b);
		}
	}
	fclose(file);
	ASSERT_GE(found, 0);
	return found;
}

/* SPDX-License-Identifier: MIT */
/*
 * A network device with a queue that can be busy polled.
 *
 * Loopback and tun have none: their packets bear no NAPI id. A veth end has a
 * queue of its own once generic receive offload is on, and its peer sends
 * through that queue once it has no segmentation offload:
 *
 *   packet socket ──▶ epx0 ══▶ queue of epx1 ──▶ UDP socket
 *   (whole frames)             (NAPI id)          10.0.0.1
 *
 * Both ends are in one network namespace, which is the test's own and goes
 * with it. The frames come from an address that no one here has, since what is
 * sent to a local address by ordinary means takes the loopback.
 */
#ifndef EPX_TEST_VETH_H
#define EPX_TEST_VETH_H

#include <net/if.h>

/**
 * struct veth - the pair, and a socket at its receiving end
 * @receiver: non-blocking UDP socket; its last packet came through the queue
 * @sender: packet socket
 * @index: the interface it sends from
 * @frame: what it sends
 */
struct veth {
	int receiver;
	int sender;
	int index;
	unsigned char frame[14 + 20 + 8 + 1];
};

/* Skips the test where that needs rights that it does not have. */
void veth_up(struct veth *veth);
/* One packet to the receiver. */
void veth_send(struct veth *veth);
/* Reads the receiver empty; the number of packets. */
int veth_drain(struct veth *veth);
/* Packets that the kernel got by busy polling in this namespace. */
long veth_busy_polled(void);

#endif /* EPX_TEST_VETH_H */

/* SPDX-License-Identifier: MIT */
/*
 * Operations, programs of them, and their text.
 *
 * An operation is a line: "by-whom kind argument=value ...", for example
 *
 *	ctl ep=10 op=1 fd=12 events=0x80000001 data=0x11 ptr=0
 *	child: write fd=13 bytes=8
 *
 * and ops.c has the table of kinds with the names of their arguments. Values
 * are numbers; those that stand for a class (a bad pointer, say) are the enums
 * below, whose meaning is the same wherever an argument has the name.
 */
#ifndef EPX_ORACLE_OPS_H
#define EPX_ORACLE_OPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROGRAM_MOST	256
#define ARGUMENTS	8

enum process { PARENT, CHILD, PROCESSES };

enum kind {
	OP_CREATE,
	OP_CREATE_SIZE,
	OP_PIPE,
	OP_FIFO,
	OP_EVENTFD,
	OP_UNIX,
	OP_TCP,
	OP_PTY,
	OP_TIMERFD,
	OP_SIGNALFD,
	OP_REGULAR,
	OP_CTL,
	OP_WAIT,
	OP_PWAIT,
	OP_PWAIT2,
	OP_POLL,
	OP_FDINFO,
	OP_SOURCE,
	OP_POST,
	OP_TAKE,
	OP_PAYLOAD,
	OP_WRITE,
	OP_READ,
	OP_FILL,
	OP_DRAIN,
	OP_SHUTDOWN,
	OP_CLOSE,
	OP_DUP,
	OP_DUP2,
	OP_SEND,
	OP_RECEIVE,
	OP_TIMER,
	OP_RAISE,
	OP_RAISE_THREAD,
	OP_HANDLER,
	OP_PARK,
	OP_FORK,
	OP_EXIT_CHILD,
	OP_END,		/* after the last: threads are released, all closed */
	KINDS,
};

/* ptr=: the event of ctl; mask=: of the wait variants, beside MASK_*. */
enum pointer {
	POINTER_OK,
	POINTER_NULL,
	POINTER_UNMAPPED,
	POINTER_READONLY,
	POINTER_KERNEL,
};

/* buf=: BUFFER_EDGE + n has n bytes before an unmapped page. */
enum buffer {
	BUFFER_OK,
	BUFFER_NULL,
	BUFFER_UNMAPPED,
	BUFFER_READONLY,
	BUFFER_KERNEL,
	BUFFER_EDGE = 100,
};

enum mask {
	MASK_NULL,
	MASK_OPEN,	/* lets the program's signals through */
	MASK_SHUT,	/* blocks them */
	MASK_UNMAPPED,
};

/* time= of pwait2: microseconds, or */
enum time {
	TIME_NULL = -1,
	TIME_UNMAPPED = -2,
	TIME_NEGATIVE_SEC = -3,
	TIME_NEGATIVE_NSEC = -4,
	TIME_LARGE_NSEC = -5,
	TIME_LARGEST = -6,
};

/* watch= of pty: 1 for the slave; the other half is not to be watched. */

/* what= of regular */
enum regular { A_DIRECTORY, A_MEMFD, A_NULL_DEVICE, A_PATH };

/* what= of timer */
enum timer { TIMER_OFF, TIMER_FAR, TIMER_EXPIRE };

/* how= of source, where it is a timer; depth where it is a queue */
enum source_time {
	SOURCE_OFF,
	SOURCE_FAR,
	SOURCE_FAR_PERIODIC,
	SOURCE_FAR_AT,
	SOURCE_LATEST_AT,
	SOURCE_NOW,
	SOURCE_NOW_PERIODIC,
	SOURCE_PAST_AT,
	SOURCE_PAST_PERIODIC,	/* of CLOCK_REALTIME: SOURCE_PERIODS */
	SOURCE_NEGATIVE,
	SOURCE_NEGATIVE_PERIOD,
	SOURCE_TIMES,
};

/* call= of park */
enum call { CALL_WAIT, CALL_PWAIT, CALL_PWAIT2, CALL_POLL };

struct op {
	uint8_t kind;
	uint8_t by;
	long long arg[ARGUMENTS];
};

struct program {
	int nr;
	struct op op[PROGRAM_MOST];
};

/**
 * struct kind_info - what there is to know about a kind
 * @name: in texts
 * @arguments: their names, with spaces between
 * @makes: how many of the first arguments are numbers it makes
 * @ep: the argument that is an instance's number, or -1
 * @c: as a line of a test; %0 to %6 are arguments, %= its result
 */
struct kind_info {
	const char *name;
	const char *arguments;
	int makes;
	int ep;
	const char *c;
};

extern const struct kind_info kinds[KINDS];

void op_print(FILE *to, const struct op *op);
bool op_parse(const char *line, struct op *op);
/* As C, with the result it has on native epoll. */
void op_print_c(FILE *to, const struct op *op, long long ret);

#endif /* EPX_ORACLE_OPS_H */

// SPDX-License-Identifier: MIT
/*
 * A worker: makes its world, carries out what it is told, and brings the
 * world back to where it was after each program, so that a process serves for
 * thousands of them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "world.h"

struct half *half;
int channel[2];
__thread unsigned int handler_runs;
__thread uint64_t handler_mask;

static enum side my_side;
static int my_position;

/* What helpers.c wants of a harness. */
enum side side(void)
{
	return my_side;
}

unsigned int time_factor(void)
{
	const char *kernel = getenv("EPX_KERNEL");

	return kernel && !strncmp(kernel, "debug", 5) ? 10 : 1;
}

void test_fail(const char *file, int line, const char *format, ...)
{
	(void)file;
	world_fail("line %d: %s", line, format);
}

void test_abort(void)
{
	_exit(1);
}

void world_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(half->broken, sizeof(half->broken), format, args);
	va_end(args);
	_exit(1);
}

int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, FD_OWN);

	if (moved < 0)
		world_fail("a descriptor of its own: %s", strerror(errno));
	close(fd);
	return moved;
}

long long result_of(long long ret)
{
	return ret < 0 ? -errno : ret;
}

void place(int fd, long long number)
{
	if (fd == number)
		return;
	dup2(fd, number);
	close(fd);
}

uint64_t current_mask(void)
{
	uint64_t mask = 0;

	syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &mask, sizeof(mask));
	return mask;
}

uint64_t mask_of(int mask, bool is_thread)
{
	uint64_t main_bit = 1ULL << (SIGNAL_MAIN - 1);
	uint64_t thread_bit = 1ULL << (SIGNAL_THREAD - 1);

	if (mask == MASK_SHUT)
		return main_bit | thread_bit;
	/* What is sent to the process must not find a thread that takes it. */
	return is_thread ? main_bit : 0;
}

static void handler(int signal)
{
	(void)signal;
	handler_runs++;
	handler_mask = current_mask();
}

void set_handlers(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };

	sigaction(SIGNAL_MAIN, &action, NULL);
	sigaction(SIGNAL_THREAD, &action, NULL);
}

static void set_signals(void)
{
	struct sigaction release = { .sa_handler = handler };
	sigset_t blocked;

	signal(SIGPIPE, SIG_IGN);
	set_handlers(0);
	sigaction(SIGNAL_RELEASE, &release, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGNAL_MAIN);
	sigaddset(&blocked, SIGNAL_THREAD);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
}

/*
 * Page 0 can be written, page 1 is not there, page 2 can be read; all at one
 * address in both workers, since some arguments are checked as a range.
 */
static void map_arena(void)
{
	void *at = mmap(ARENA, 0x3000, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE,
			-1, 0);

	if (at != ARENA || mprotect(ARENA + 0x1000, 0x1000, PROT_NONE) ||
	    mprotect(ARENA + 0x2000, 0x1000, PROT_READ))
		world_fail("the arena: %s", strerror(errno));
}

/*
 * One CPU for all of a world: then who is woken runs at a known time. In lock
 * step one for both, since there a turn is passed without an interrupt.
 */
static void pin(void)
{
	cpu_set_t all, one;
	int skip = shared->cpu + (shared->lock_step ? 0 : my_position), cpu;

	sched_getaffinity(0, sizeof(all), &all);
	skip %= CPU_COUNT(&all);
	for (cpu = 0; !CPU_ISSET(cpu, &all) || skip--; cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		world_fail("its CPU: %s", strerror(errno));
}

static void open_channel(void)
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, channel))
		world_fail("the channel: %s", strerror(errno));
	channel[0] = move_up(channel[0]);
	channel[1] = move_up(channel[1]);
}

static void take_turn(void)
{
	if (shared->lock_step)
		while (sem_wait(&shared->turn[my_position]))
			;
}

static void pass_turn(void)
{
	if (shared->lock_step)
		sem_post(&shared->turn[!my_position]);
}

/* A call that failed has changed nothing that anybody could wait for. */
static bool may_wake(const struct op *op, long long ret)
{
	return ret >= 0 && op->kind != OP_FDINFO && op->kind != OP_HANDLER &&
	       !(op->kind == OP_CTL && op->arg[1] == EPOLL_CTL_DEL);
}

static void step(int index, const struct op *op)
{
	const struct kind_info *info = &kinds[op->kind];
	struct model *m = &half->model;
	enum target target = info->ep < 0 ? TARGET_NONE :
			     model_target(m, op->by, op->arg[info->ep]);
	long long ret;

	atomic_store(&half->op, index);
	take_turn();
	log_begin(index, op, target);
	if (op->by == PARENT)
		ret = perform(op);
	else
		ret = m->has_child ? child_perform(op) : SKIPPED;
	if (m->parked && may_wake(op, ret))
		threads_settle();
	if (ret == SKIPPED)
		log_tag(TAG_SKIPPED, 0);
	log_end(ret == SKIPPED ? 0 : ret);
	pass_turn();
}

static void drain_channel(void)
{
	struct op op = { .kind = OP_RECEIVE, .arg = { FD_FIRST } };

	while (half->model.nr_flight) {
		perform(&op);
		close(FD_FIRST);
	}
}

static void drain_signals(void)
{
	const struct timespec now = { 0, 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGNAL_MAIN);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	set_handlers(0);
}

/* A last look at all instances, and back to an empty world. */
static void end_program(int index)
{
	struct op op = { .kind = OP_END };

	take_turn();
	log_begin(index, &op, TARGET_NONE);
	for (int fd = FD_FIRST; fd <= FD_LAST; fd++) {
		op.arg[0] = fd;
		if (model_nature(&half->model, PARENT, fd) == INSTANCE)
			perform_fdinfo(&op);
	}
	threads_release();
	log_end(0);
	if (half->model.has_child)
		child_end();
	close_range(FD_FIRST, FD_LAST, 0);
	drain_channel();
	drain_signals();
	standins_reset();
	pass_turn();
}

static void run_program(const struct program *program, int place_in_batch)
{
	atomic_store(&half->program, place_in_batch);
	half->limit = half->used + LOG_PROGRAM;
	model_reset(&half->model);
	for (int i = 0; i < program->nr; i++)
		step(i, &program->op[i]);
	end_program(program->nr);
	half->end[place_in_batch] = half->used;
}

static void obey(void)
{
	static struct program program;

	half->used = 0;
	if (shared->order == ORDER_GIVEN) {
		run_program(&shared->given, 0);
		return;
	}
	for (int i = 0; i < shared->count; i++) {
		generate(&program, shared->seed, shared->first + i);
		run_program(&program, i);
	}
}

void world_main(enum side side, int position, int orders, int replies)
{
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	my_side = side;
	my_position = position;
	half = &shared->half[position];
	half->broken[0] = 0;
	pin();
	map_arena();
	set_signals();
	orders = move_up(orders);
	replies = move_up(replies);
	open_channel();
	standins_init();
	child_init();
	threads_start();
	while (read(orders, &byte, 1) == 1 && shared->order != ORDER_QUIT) {
		obey();
		if (write(replies, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

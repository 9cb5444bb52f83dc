/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor can see, and the hooks for each, best first. */
#ifndef TR_LADDER_H
#define TR_LADDER_H

enum {
	TR_RUNGS = 4,
	TR_RUNG_PROGRAMS = 2,
	TR_CAPABILITIES = 16,
};

enum tr_duty {
	TR_DUTY_NONE = 0,
	TR_DUTY_CONNECT, /* inet_sock_set_state takes this over */
	TR_DUTY_ACCEPT,
};

/* Programs that stand in for each other where one would interrupt itself (tr_twin.h). */
enum tr_twin {
	TR_TWIN_NONE = 0,
	TR_TWIN,	 /* what both were passed over for is lost: at most the smaller count */
	TR_TWIN_SOFTIRQ, /* the same, but softirqs may interrupt either of the two, though never both at once */
};

struct tr_rung {
	const char *kind;			/* "fentry", "kprobe", "state", or NULL where the user cannot choose */
	const char *hook;			/* as reported */
	const char *programs[TR_RUNG_PROGRAMS]; /* all of them, or the rung does not hold */
	enum tr_duty duty;
	enum tr_twin twin;
};

struct tr_ladder {
	const char *name;
	const char *family;
	struct tr_rung rungs[TR_RUNGS];
	int by_agent; /* attached by the agent to each library that it finds */
};

extern const struct tr_ladder tr_ladders[TR_CAPABILITIES];

#endif

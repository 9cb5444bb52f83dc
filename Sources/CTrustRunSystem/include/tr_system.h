/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel interfaces that Swift's Glibc module does not show. */
#ifndef TR_SYSTEM_H
#define TR_SYSTEM_H

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "tr_command.h"

#endif

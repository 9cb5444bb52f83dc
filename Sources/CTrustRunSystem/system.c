// SPDX-License-Identifier: Apache-2.0
#include "tr_system.h"

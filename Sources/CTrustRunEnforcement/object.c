// SPDX-License-Identifier: Apache-2.0
#include "object.h"

const unsigned char tr_enforce_object[] = {
#embed "../../BPF/Objects/enforce.bpf.o"
};
const size_t tr_enforce_object_size = sizeof(tr_enforce_object);

const unsigned char tr_executables_object[] = {
#embed "../../BPF/Objects/executables.bpf.o"
};
const size_t tr_executables_object_size = sizeof(tr_executables_object);

const unsigned char tr_handover_object[] = {
#embed "../../BPF/Objects/handover.bpf.o"
};
const size_t tr_handover_object_size = sizeof(tr_handover_object);

const unsigned char tr_kill_object[] = {
#embed "../../BPF/Objects/kill.bpf.o"
};
const size_t tr_kill_object_size = sizeof(tr_kill_object);

const unsigned char tr_member_object[] = {
#embed "../../BPF/Objects/member.bpf.o"
};
const size_t tr_member_object_size = sizeof(tr_member_object);

// SPDX-License-Identifier: Apache-2.0
#include "objects.h"

static const unsigned char process[] = {
#embed "../../BPF/Objects/process.bpf.o"
};
static const unsigned char network[] = {
#embed "../../BPF/Objects/network.bpf.o"
};
static const unsigned char packets[] = {
#embed "../../BPF/Objects/packets.bpf.o"
};
static const unsigned char tls[] = {
#embed "../../BPF/Objects/tls.bpf.o"
};

const struct tr_object tr_objects[TR_OBJECTS] = {
	{ "process", process, sizeof(process) },
	{ "network", network, sizeof(network) },
	{ "packets", packets, sizeof(packets) },
	{ "tls", tls, sizeof(tls) },
};

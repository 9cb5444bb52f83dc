// SPDX-License-Identifier: Apache-2.0
#include "tr_assets.h"

/* One embed and one line of the list for each file of Presets; a unit test compares the list with the folder. */
static const unsigned char anthropic[] = {
#embed "../../Presets/anthropic.yaml"
};
static const unsigned char aws[] = {
#embed "../../Presets/aws.yaml"
};
static const unsigned char aws_bedrock[] = {
#embed "../../Presets/aws-bedrock.yaml"
};
static const unsigned char azure[] = {
#embed "../../Presets/azure.yaml"
};
static const unsigned char azure_openai[] = {
#embed "../../Presets/azure-openai.yaml"
};
static const unsigned char doh[] = {
#embed "../../Presets/doh.yaml"
};
static const unsigned char gcp_vertex[] = {
#embed "../../Presets/gcp-vertex.yaml"
};
static const unsigned char loopback[] = {
#embed "../../Presets/loopback.yaml"
};
static const unsigned char metadata_service[] = {
#embed "../../Presets/metadata-service.yaml"
};
static const unsigned char ollama_local[] = {
#embed "../../Presets/ollama-local.yaml"
};
static const unsigned char openai[] = {
#embed "../../Presets/openai.yaml"
};
static const unsigned char package_registries[] = {
#embed "../../Presets/package-registries.yaml"
};
static const unsigned char telemetry[] = {
#embed "../../Presets/telemetry.yaml"
};
static const unsigned char transition_addresses[] = {
#embed "../../Presets/transition-addresses.yaml"
};

static const struct tr_asset presets[] = {
	{ "anthropic", anthropic, sizeof(anthropic) },
	{ "aws", aws, sizeof(aws) },
	{ "aws-bedrock", aws_bedrock, sizeof(aws_bedrock) },
	{ "azure", azure, sizeof(azure) },
	{ "azure-openai", azure_openai, sizeof(azure_openai) },
	{ "doh", doh, sizeof(doh) },
	{ "gcp-vertex", gcp_vertex, sizeof(gcp_vertex) },
	{ "loopback", loopback, sizeof(loopback) },
	{ "metadata-service", metadata_service, sizeof(metadata_service) },
	{ "ollama-local", ollama_local, sizeof(ollama_local) },
	{ "openai", openai, sizeof(openai) },
	{ "package-registries", package_registries, sizeof(package_registries) },
	{ "telemetry", telemetry, sizeof(telemetry) },
	{ "transition-addresses", transition_addresses, sizeof(transition_addresses) },
};

const struct tr_asset *tr_preset(size_t index)
{
	return index < sizeof(presets) / sizeof(presets[0]) ? &presets[index] : NULL;
}

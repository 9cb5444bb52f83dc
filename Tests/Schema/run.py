#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds docs/policy.schema.json against policies: it accepts what the agent loads, and knows the same keys, words and types.

Each policy goes to the schema and to `policy check`. Where both can judge they must agree; what only the agent can know (whether a name
is a name, whether a file is there) is marked so.
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
AGENT = ROOT / ".build/release/trustrun-agent"
RULE = "rules: [{ match: a.example, action: allow, %s }]"
MATCH = "rules: [{ action: allow, match: %s }]"

RIGHT = [
    "name: a", "name: a\ndescription: b\nrules: []", "inherit: preset:loopback", "inherit: [preset:loopback, preset:metadata-service]",
    MATCH % "any", MATCH % "['*', '*.a.example', 10.0.0.0/8, '::1']", RULE % "ports: 443", RULE % "ports: '443'",
    RULE % "ports: [443, 8000-8999]", RULE % "protocol: udp", RULE % "process: /usr/bin/*", RULE % "process: '*/curl'",
    RULE % "verify: address", RULE % "reason: r, source: 'https://a.example/#b', checked: 2026-11-21", "resolvers: 10.0.0.53",
    "resolvers: [10.0.0.53, 'fd00::53']", "dns: strict", "dns: open", "ech: refuse", "ech: mark", "inbound: allow", "binding_grace: 10m", "unix_sockets: []", "unix_sockets: [/run/a, /run/b/]", "capture_level: full",
    "defaults: { action: kill }", "content: []",
    "capture_level: headers\ncontent: [{ when: { finding: pii }, action: kill, reason: r }]",
    "capture_level: full\ncontent: [{ when: { finding: [pii, phi], destination: not-allowed }, action: alert }]",
]
WRONG = [
    "[]", "rule: []", "name: [a]", "name: ''", "name: %s" % ("n" * 129), "inherit: []", "inherit: { a: b }", "rules: {}", "rules: [any]",
    "rules: [{ match: any }]", "rules: [{ action: allow }]", "rules: [{ match: any, action: deny }]", "rules: [{ match: any, action: Allow }]",
    MATCH % "[]", MATCH % "''", MATCH % "a b", MATCH % "https://a.example", MATCH % "{ a: b }", RULE % "ports: 0", RULE % "ports: 65536",
    RULE % "ports: []", RULE % "ports: https", RULE % "ports: -1", RULE % "ports: 1.5", RULE % "protocol: icmp", RULE % "process: curl",
    RULE % "verify: sni", RULE % "source: wiki", RULE % "checked: today", RULE % "reason: ''", RULE % "reason: [a]", RULE % "needs: a",
    RULE % "port: 443", "resolvers: []", "resolvers: dns.example", "dns: 'on'", "inbound: deny", "ech: allow", "binding_grace: 10", "binding_grace: 1d", "unix_sockets: /run/a", "unix_sockets: [a]", "unix_sockets: ['/run/*']",
    "capture_level: all", "defaults: block", "defaults: {}", "defaults: { actoin: block }", "parameters: {}",
    "capture_level: full\ncontent: [{ action: kill }]",
    "capture_level: full\ncontent: [{ when: {}, action: kill }]", "capture_level: full\ncontent: [{ when: { finding: PII }, action: kill }]",
    "capture_level: full\ncontent: [{ when: { finding: pii }, action: allow }]",
    "capture_level: metadata\ncontent: [{ when: { finding: pii }, action: kill }]",
    "capture_level: full\ncontent: [{ when: { finding: pii, destination: none }, action: kill }]",
]
# What the schema accepts, and the agent does not.
BEYOND = [
    "content: [{ when: { finding: pii }, action: kill }]", MATCH % "10.0.0.1/8", MATCH % "1.2.3.400", MATCH % "a.example:443", RULE % "ports: 9-8", "unix_sockets: [/a/../b]", "inherit: none.yaml", "resolvers: 1.2.3.400",
]


class Loader(yaml.SafeLoader):
    """YAML as YAML 1.2 and editors read it: a date is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents():
    """Name, text and what is expected of schema and agent; None: not asked."""
    for texts, schema, agent in ((RIGHT, True, True), (WRONG, False, False), (BEYOND, True, False)):
        for text in texts:
            yield text, text, schema, agent
    guide = (ROOT / "docs/policy.md").read_text()
    for name, text in re.findall(r"```yaml\n# ([a-z]+\.yaml)\n(.*?)```", guide, re.S):
        yield f"docs/policy.md, {name}", text, True, None
    for path in sorted((ROOT / "Presets").glob("*.yaml")):
        yield f"Presets/{path.name}", path.read_text(), True, None


def without_preset_keys(value):
    """A preset as the policy that it becomes: no parameters, placeholders replaced."""
    if isinstance(value, dict):
        return {key: without_preset_keys(part) for key, part in value.items() if key not in ("parameters", "needs")}
    if isinstance(value, list):
        return [without_preset_keys(part) for part in value]
    return re.sub(r"\{[a-z0-9_]+\}", "x", value) if isinstance(value, str) else value


def loads(text):
    """Whether the agent loads it."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "policy.yaml"
        path.write_text(text)
        status = subprocess.run([AGENT, "policy", "check", path], capture_output=True, check=False).returncode
    if status not in (0, 65, 66):
        sys.exit(f"policy check ended with {status} for {text!r}")
    return status == 0


def main():
    schema = json.loads((ROOT / "docs/policy.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    failures, count = [], 0
    for name, text, by_schema, by_agent in documents():
        count += 1
        value = yaml.load(text, Loader)
        errors = [error.message for error in validator.iter_errors(without_preset_keys(value) if name.startswith("Presets/") else value)]
        if (not errors) != by_schema:
            failures.append(f"{name!r}: the schema {'refuses' if errors else 'accepts'} it {errors[:2]}")
        if by_agent is not None and loads(text) != by_agent:
            failures.append(f"{name!r}: the agent {'refuses' if by_agent else 'accepts'} it")
    # Examples of the guide and presets have to be found.
    if count < len(RIGHT) + len(WRONG) + len(BEYOND) + 4:
        failures.append(f"only {count} documents")
    print(*failures, f"{count} policies, {len(failures)} not as expected", sep="\n")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""Policies as files: what the commands check, show and presets print, and with which status they end."""

import json
import pathlib
import tempfile

import cleanup
import expect
from children import Program
from settings import NOBODY, agent_path, scaled

GUESTS_SHARE = True

EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_IOERR = 64, 65, 66, 74


def run(*arguments, **options):
    """The agent's exit status and what it wrote to stdout and stderr."""
    program = Program(agent_path(), "policy", *arguments, **options)
    output, errors = program.communicate(timeout=scaled(20))
    return program.returncode, output, errors


def folder(**files):
    """A new folder with files, `_` in whose names stands for a slash."""
    directory = tempfile.TemporaryDirectory(prefix="trustrun-test-")
    cleanup.later(directory.cleanup)
    for name, text in files.items():
        path = pathlib.Path(directory.name, *name.split("_")).with_suffix(".yaml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return pathlib.Path(directory.name)


SITE = {
    "site": "name: site\ninherit: [preset:loopback, sub/more.yaml]\nrules:\n  - {match: a.example, action: allow}\ndefaults: {action: block}\n",
    "sub_more": "inherit: ./most.yaml\nrules:\n  - {match: 10.0.0.0/8, ports: 443, action: allow, reason: ours}\n",
    "sub_most": "rules:\n  - {match: '*.b.example', action: kill}\n",
    "wrong": "name: wrong\nrules:\n  - {match: any, action: deny}\n",
}


def test_check():
    here = folder(**SITE)
    status, output, errors = run("check", str(here / "site.yaml"))
    expect.equal((status, errors), (0, ""), "a policy that loads")
    expect.true("ok: 4 rules (1 of its own) in 4 documents, default block" in output, f"stdout: {output!r}")
    status, output, errors = run("check", str(here / "wrong.yaml"), str(here / "site.yaml"))
    expect.equal(status, EX_DATAERR, "exit status of a wrong policy beside a right one")
    expect.equal(errors, f"trustrun-agent: {here}/wrong.yaml:3:26: unknown action `deny`; expected one of allow, alert, block, kill\n", "stderr")
    expect.true(f"{here}/site.yaml: ok" in output and "wrong" not in output, f"stdout: {output!r}")
    status, output, errors = run("check", str(here / "none.yaml"))
    expect.equal((status, output), (EX_NOINPUT, ""), "a file that is not there")
    expect.equal(errors, f"trustrun-agent: {here}/none.yaml: cannot be read: No such file or directory\n", "stderr")
    status, output, _ = run("check", "--json", str(here / "wrong.yaml"), str(here / "none.yaml"), "preset:loopback")
    report = json.loads(output)
    expect.equal((status, report["ok"]), (EX_DATAERR, False), "the report's whole")
    expect.equal([policy["ok"] for policy in report["policies"]], [False, False, True], "each policy")
    expect.equal([report["policies"][0]["error"][key] for key in ("line", "column")], [3, 26], "the error's place")


def test_show_loads_again():
    here = folder(**SITE)
    status, shown, errors = run("show", "--policy", "site.yaml", "--policy", "preset:metadata-service", cwd=here)
    expect.equal((status, errors), (0, ""), "show")
    expect.true("# site.yaml#1, site.yaml:4" in shown and "# more.yaml#1, sub/more.yaml:3" in shown, f"places: {shown}")
    (here / "shown.yaml").write_text(shown)

    def judged(*policies):
        options = [word for policy in policies for word in ("--policy", policy)]
        policy = json.loads(run("show", "--json", *options, cwd=here)[1])
        return [{key: value for key, value in rule.items() if key not in ("id", "origin")} for rule in policy["rules"]]

    before = judged("site.yaml", "preset:metadata-service")
    expect.true(len(before) > 4, f"rules: {before}")
    expect.equal(judged("shown.yaml"), before, "rules of what was shown")


def test_statuses():
    for arguments in ([], ["show"], ["check"], ["show", "--policy"], ["presets", "more"], ["no-such-command"]):
        expected = 0 if not arguments else EX_USAGE
        expect.equal(run(*arguments)[0], expected, f"exit status of policy {arguments}")
    with open("/dev/full", "wb") as full:
        expect.equal(run("presets", stdout=full)[0], EX_IOERR, "exit status with a full disk")
    status, _, errors = run("show", "--policy", "preset:azure-openai")
    expect.equal(status, EX_DATAERR, "exit status without a parameter")
    expect.true("expected preset:azure-openai(resource=" in errors, f"stderr: {errors!r}")


def test_needs_no_root():
    status, output, errors = run("presets", "--json", user=NOBODY, cwd="/")
    expect.equal((status, errors), (0, ""), "presets as nobody")
    presets = {preset["name"]: preset for preset in json.loads(output)["presets"]}
    expect.true({"loopback", "azure-openai", "metadata-service"} <= presets.keys(), f"presets: {sorted(presets)}")
    expect.equal([parameter["required"] for parameter in presets["azure-openai"]["parameters"]][:1], [True], "its parameter")
    for preset in presets.values():
        expect.true(preset["rules"] > 0 and preset["sources"], f"a preset without rules or sources: {preset}")
        expect.equal(run("check", preset["reference"])[0], 0, f"check {preset['reference']}")

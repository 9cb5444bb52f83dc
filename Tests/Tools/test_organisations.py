# SPDX-License-Identifier: Apache-2.0
"""The script that refreshes the table of address ranges, on small files in the form of those that are published."""
import contextlib
import io
import ipaddress
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "Tools"))
import organisations  # noqa: E402

PUBLISHED = {
    "openai.json": """{"creationTime": "2026-11-01T10:00:00.000000", "prefixes": [{"ipv4Prefix": "192.0.2.0/28"}]}
{"creationTime": "2026-10-05T10:00:00.000000", "prefixes": [{"ipv4Prefix": "192.0.2.16/28"}, {"ipv6Prefix": "2001:db8:6::/48"}]}
""",
    "github.json": {"web": ["198.51.100.0/24", "2001:db8:1::/48"], "actions": ["203.0.113.0/24"]},
    "cloudflare.txt": "192.0.2.128/26\n192.0.2.192/26\n2001:db8:2::/48\n",
    "fastly.json": {"addresses": ["203.0.113.0/25"], "ipv6_addresses": ["2001:db8:3::/48"]},
    "google.json": {"creationTime": "2026-10-30T00:00:00", "prefixes": [{"ipv6Prefix": "2001:db8:4::/48"}]},
    "google-cloud.json": {"creationTime": "2026-10-31T00:00:00", "prefixes": [{"ipv4Prefix": "203.0.112.0/24", "service": "Google Cloud"}]},
    "aws.json": {"createDate": "2026-11-02-03-04-05", "prefixes": [{"ip_prefix": "198.18.0.0/16"}, {"ip_prefix": "198.19.0.0/16"}],
                 "ipv6_prefixes": [{"ipv6_prefix": "2001:db8:5::/48"}]},
    "azure.json": {"changeNumber": 1, "values": [
        {"name": "AzureCloud", "properties": {"addressPrefixes": ["100.64.0.0/16"]}},
        {"name": "Sql", "properties": {"addressPrefixes": ["100.65.0.0/16"]}}]},
    "oracle.json": {"last_updated_timestamp": "2026-11-03T00:00:00.0", "regions": [{"cidrs": [{"cidr": "100.66.0.0/16"}]}]},
    "digitalocean.csv": "100.67.0.0/24,NL,NL-NH,Amsterdam,1\n",
    "linode.csv": "# a comment\n100.68.0.0/24,US,US-NJ,Newark,\n",
}
BEFORE = """# an old header
organisation Anthropic
source https://example.org/page
date 2026-01-01
# said of this copy
192.0.2.64/26

organisation Fastly
source https://example.org/fastly
date 2026-01-02
203.0.113.128/25
"""


class Refresh(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.files = pathlib.Path(self.directory.name)
        self.table = self.files / "table.txt"
        self.table.write_text(BEFORE)
        for name, content in PUBLISHED.items():
            (self.files / name).write_text(content if isinstance(content, str) else json.dumps(content))

    def run_script(self):
        return subprocess.run(
            [sys.executable, "-B", ROOT / "Tools/organisations.py", "--files", self.files, "--table", self.table,
             "--date", "2026-11-20"], capture_output=True, text=True)

    def sections(self):
        return organisations.parse(self.table.read_text())

    def test_takes_each_published_form_with_its_date(self):
        result = self.run_script()
        self.assertEqual(result.returncode, 0, result.stderr)
        found = {name: (date, prefixes) for name, (_, date, prefixes) in self.sections().items()}
        self.assertEqual(found["Amazon Web Services"], ("2026-11-02", ["198.18.0.0/15", "2001:db8:5::/48"]))
        self.assertEqual(found["Microsoft Azure"], ("2026-11-20", ["100.64.0.0/16"]))
        self.assertEqual(found["Google"], ("2026-10-30", ["2001:db8:4::/48"]))
        self.assertEqual(found["Google Cloud"], ("2026-10-31", ["203.0.112.0/24"]))
        self.assertEqual(found["GitHub"], ("2026-11-20", ["198.51.100.0/24", "2001:db8:1::/48"]))
        self.assertEqual(found["Cloudflare"], ("2026-11-20", ["192.0.2.128/25", "2001:db8:2::/48"]))
        self.assertEqual(found["Fastly"], ("2026-11-20", ["203.0.113.0/25", "2001:db8:3::/48"]))
        self.assertEqual(found["Oracle Cloud"], ("2026-11-03", ["100.66.0.0/16"]))
        self.assertEqual(found["OpenAI"], ("2026-10-05", ["192.0.2.0/27", "2001:db8:6::/48"]))
        self.assertEqual(found["DigitalOcean"][1] + found["Linode"][1], ["100.67.0.0/24", "100.68.0.0/24"])

    def test_keeps_what_stands_on_a_page_for_people(self):
        self.run_script()
        self.assertEqual(
            self.sections()["Anthropic"], ("https://example.org/page", "2026-01-01", ["# said of this copy", "192.0.2.64/26"]))

    def test_keeps_an_organisation_whose_file_is_missing_or_of_another_form(self):
        (self.files / "fastly.json").unlink()
        (self.files / "aws.json").write_text("<html>")
        result = self.run_script()
        self.assertEqual(result.returncode, 1)
        self.assertIn("Fastly: kept as it was", result.stderr)
        self.assertIn("Amazon Web Services: left out", result.stderr)
        self.assertEqual(self.sections()["Fastly"][2], ["203.0.113.128/25"])
        self.assertNotIn("Amazon Web Services", self.sections())

    def test_takes_no_bad_prefix(self):
        for text in ("192.0.2.1/24", "nonsense", "192.0.2.0/33", ""):
            with self.subTest(text):
                (self.files / "cloudflare.txt").write_text(text)
                self.assertIn("Cloudflare: left out", self.run_script().stderr)

    def test_writes_the_same_table_again(self):
        self.run_script()
        first = self.table.read_text()
        self.run_script()
        self.assertEqual(self.table.read_text(), first)

    def test_refuses_a_malformed_table(self):
        with contextlib.redirect_stderr(io.StringIO()):
            for table in ("192.0.2.0/24\n", "organisation A\ndate 2026-01-01\n", "organisation A\nsource b\ndate c\nd\n"):
                with self.subTest(table), self.assertRaises(SystemExit) as exit:
                    organisations.parse(table)
                self.assertEqual(exit.exception.code, 65)


class Carried(unittest.TestCase):
    def setUp(self):
        self.text = organisations.TABLE.read_text()
        self.sections = organisations.parse(self.text)

    def test_is_what_the_script_would_write(self):
        self.assertEqual(organisations.write(self.sections), self.text)

    def test_tells_the_source_the_date_and_a_range_of_every_organisation(self):
        for name, (source, date, lines) in self.sections.items():
            with self.subTest(name):
                self.assertTrue(all(url.startswith("https://") for url in source.split(" ")), source)
                self.assertEqual(organisations.day(date), date)
                self.assertTrue(any(not line.startswith("#") for line in lines))

    def test_has_only_ranges_of_the_internet(self):
        for name, (_, _, lines) in self.sections.items():
            for line in lines:
                if not line.startswith("#"):
                    with self.subTest(name=name, prefix=line):
                        self.assertTrue(ipaddress.ip_network(line).is_global)
                        self.assertFalse(ipaddress.ip_network(line).is_multicast)


if __name__ == "__main__":
    unittest.main()

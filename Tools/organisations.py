#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Refreshes Data/organisations.txt from the files in which organisations publish their address ranges.

    organisations.py                     downloads the files (this machine needs the internet)
    organisations.py --files DIRECTORY   reads them from a directory: aws.json, azure.json, google.json, ...

An organisation whose file cannot be had or read stays as it is in the table, and so does one that publishes its ranges only on
a page for people. What changed is told on stderr. Exit status: 0 all read, 1 some kept as they were, 65 the table is malformed.
"""
import argparse
import csv
import datetime
import ipaddress
import json
import pathlib
import re
import sys
import urllib.request

TABLE = pathlib.Path(__file__).resolve().parent.parent / "Data" / "organisations.txt"
HEADER = """\
# Address ranges that organisations publish as theirs, merged. A hint for people, never what a verdict rests on.
# Of two ranges one of which lies in the other the smaller one counts. `make organisations` refreshes this file.
# `source`: where the ranges stand. `date`: the published file's own; where they were taken from pages, the oldest of the
# dates that those have, else the day they were looked up. `partial`: the organisation has more ranges than these.
"""
TIMEOUT_SECONDS = 30


def day(text):
    """The first date in a text, as YYYY-MM-DD; None if there is none."""
    found = re.search(r"(\d{4})-(\d{2})-(\d{2})", text or "")
    return found.group(0) if found else None


def aws(text):
    document = json.loads(text)
    ranges = [entry["ip_prefix"] for entry in document["prefixes"]]
    ranges += [entry["ipv6_prefix"] for entry in document["ipv6_prefixes"]]
    return ranges, day(document.get("createDate"))


def azure(text):
    tags = {tag["name"]: tag["properties"]["addressPrefixes"] for tag in json.loads(text)["values"]}
    return tags["AzureCloud"], None


def google(text):
    document = json.loads(text)
    ranges = [entry.get("ipv4Prefix") or entry["ipv6Prefix"] for entry in document["prefixes"]]
    return ranges, day(document.get("creationTime"))


def openai(text):
    """Several files of Google's form, one behind the other; the oldest of their dates."""
    decoder, ranges, dates = json.JSONDecoder(), [], []
    text = text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        found, date = google(json.dumps(document))
        ranges += found
        dates += [date] if date else []
        text = text[end:].lstrip()
    return ranges, min(dates, default=None)


def github(text):
    document = json.loads(text)
    # `actions` and the like are ranges of Azure, where anybody's jobs run.
    parts = ("web", "api", "git", "hooks", "packages", "pages", "importer", "copilot")
    return [entry for part in parts for entry in document.get(part, [])], None


def oracle(text):
    document = json.loads(text)
    ranges = [entry["cidr"] for region in document["regions"] for entry in region["cidrs"]]
    return ranges, day(document.get("last_updated_timestamp"))


def fastly(text):
    document = json.loads(text)
    return document["addresses"] + document["ipv6_addresses"], None


def lines(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")], None


def geofeed(text):
    return [row[0].strip() for row in csv.reader(text.splitlines()) if row and not row[0].startswith("#")], None


class Provider:
    """One organisation: its name, the file's name for --files, where the file is published, and what reads it.

    Without a reader the ranges stand on a page for people, and the table keeps what was taken from there.
    """

    def __init__(self, name, file, urls, read=None, find=None):
        self.name, self.file, self.urls, self.read, self.find = name, file, urls, read, find


# In the order of the table: of equal ranges the earlier organisation has it, so tenants come before those they rent from.
PROVIDERS = [
    Provider("Anthropic", "anthropic.txt", ["https://platform.claude.com/docs/en/api/ip-addresses"]),
    Provider("OpenAI", "openai.json",
             [f"https://openai.com/{name}.json" for name in
              ("gptbot", "searchbot", "chatgpt-user", "chatgpt-connectors", "chatgpt-agents")], openai),
    Provider("GitHub", "github.json", ["https://api.github.com/meta"], github),
    Provider("Cloudflare", "cloudflare.txt",
             ["https://www.cloudflare.com/ips-v4", "https://www.cloudflare.com/ips-v6"], lines),
    Provider("Fastly", "fastly.json", ["https://api.fastly.com/public-ip-list"], fastly),
    Provider("Apple", "apple.txt", ["https://www.iana.org/assignments/ipv4-address-space"]),
    # Its customers' ranges; Google's own file has them too.
    Provider("Google Cloud", "google-cloud.json", ["https://www.gstatic.com/ipranges/cloud.json"], google),
    Provider("Google", "google.json", ["https://www.gstatic.com/ipranges/goog.json"], google),
    Provider("Amazon Web Services", "aws.json", ["https://ip-ranges.amazonaws.com/ip-ranges.json"], aws),
    # The file's address has its date in it; the page for people names it.
    Provider("Microsoft Azure", "azure.json", ["https://www.microsoft.com/en-us/download/details.aspx?id=56519"], azure,
             find=re.compile(r"https://download\.microsoft\.com/download/[^\"' ]*/ServiceTags_Public_\d+\.json")),
    Provider("Microsoft", "microsoft.txt", ["https://learn.microsoft.com/microsoft-365/enterprise/urls-and-ip-address-ranges"]),
    Provider("Oracle Cloud", "oracle.json", ["https://docs.oracle.com/iaas/tools/public_ip_ranges.json"], oracle),
    Provider("DigitalOcean", "digitalocean.csv", ["https://digitalocean.com/geo/google.csv"], geofeed),
    Provider("Linode", "linode.csv", ["https://geoip.linode.com/"], geofeed),
    Provider("Akamai", "akamai.txt", ["https://techdocs.akamai.com/origin-ip-acl/docs/update-your-origin-server"]),
]


def merged(ranges):
    """The same addresses in as few prefixes as possible, IPv4 first; ValueError for what is no prefix."""
    networks = [ipaddress.ip_network(entry) for entry in ranges]
    if not networks:
        raise ValueError("no ranges in it")
    answer = []
    for version in (4, 6):
        found = ipaddress.collapse_addresses(network for network in networks if network.version == version)
        answer += [str(network) for network in found]
    return answer


def download(provider):
    texts = []
    for url in provider.urls:
        text = fetch(url)
        if provider.find:
            link = provider.find.search(text)
            if not link:
                raise ValueError(f"{url} has no link to the file any more")
            text = fetch(link.group(0))
        texts.append(text)
    return "\n".join(texts)


def fetch(url):
    request = urllib.request.Request(url, headers={"User-Agent": "trustrun-agent-organisations"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read().decode("utf-8")


def parse(table):
    """The table as {name: (source, date, prefixes)}; exits with 65 if it is malformed."""
    sections = {}
    name, source, date = None, None, None
    for number, line in enumerate(table.splitlines(), 1):
        key, _, value = line.partition(" ")
        if not line or line.startswith("#"):
            # A comment among the prefixes says something of this copy of them, and stays with it.
            if line and date:
                sections[name][2].append(line)
            continue
        if key == "organisation":
            name, source, date = value, None, None
        elif key == "source" and name:
            source = value
        elif key == "date" and source:
            date = value
            sections[name] = (source, date, [])
        elif date and "/" in line:
            sections[name][2].append(line)
        else:
            print(f"{TABLE}:{number}: neither a prefix nor one of organisation, source, date in this order", file=sys.stderr)
            sys.exit(65)
    return sections


def write(sections):
    text = HEADER
    for provider in PROVIDERS:
        if provider.name not in sections:
            continue
        source, date, prefixes = sections[provider.name]
        text += f"\norganisation {provider.name}\nsource {source}\ndate {date}\n" + "".join(f"{entry}\n" for entry in prefixes)
    return text


def refresh(sections, provider, directory, today):
    """Puts the organisation's ranges into `sections`; False if they stay as they were."""
    if not provider.read:
        return True
    try:
        text = (directory / provider.file).read_text(encoding="utf-8") if directory else download(provider)
        ranges, date = provider.read(text)
        prefixes = merged(ranges)
    except (OSError, ValueError, KeyError, TypeError) as error:
        state = "kept as it was" if provider.name in sections else "left out"
        print(f"{provider.name}: {state}: {type(error).__name__}: {error}", file=sys.stderr)
        return False
    before = len(sections[provider.name][2]) if provider.name in sections else 0
    sections[provider.name] = (" ".join(provider.urls), date or today, prefixes)
    print(f"{provider.name}: {len(prefixes)} prefixes, before {before}", file=sys.stderr)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=pathlib.Path, help="read the published files from this directory")
    parser.add_argument("--date", default=datetime.date.today().isoformat(), help="the date of files that have none of their own")
    parser.add_argument("--table", type=pathlib.Path, default=TABLE)
    arguments = parser.parse_args()
    sections = parse(arguments.table.read_text(encoding="utf-8")) if arguments.table.exists() else {}
    results = [refresh(sections, provider, arguments.files, arguments.date) for provider in PROVIDERS]
    arguments.table.write_text(write(sections), encoding="utf-8")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

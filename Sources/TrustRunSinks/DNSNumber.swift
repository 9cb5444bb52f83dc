// SPDX-License-Identifier: Apache-2.0

/// The mnemonics of record types and response codes (the IANA registry "Domain Name System (DNS) Parameters").
enum DNSNumber {
    /// Writes a record type, or `TYPE` and the number (RFC 3597 5).
    static func append(type number: UInt16, to buffer: inout OutputBuffer) {
        if let name = typeName(number) { return buffer.append(name) }
        buffer.append("TYPE")
        buffer.append(decimal: UInt64(number))
    }

    /// Writes a response code, or `RCODE` and the number.
    static func append(responseCode number: UInt16, to buffer: inout OutputBuffer) {
        if let name = responseCodeName(number) { return buffer.append(name) }
        buffer.append("RCODE")
        buffer.append(decimal: UInt64(number))
    }

    private static func typeName(_ number: UInt16) -> StaticString? {
        switch number {
        case 1: "A"
        case 2: "NS"
        case 5: "CNAME"
        case 6: "SOA"
        case 12: "PTR"
        case 13: "HINFO"
        case 15: "MX"
        case 16: "TXT"
        case 28: "AAAA"
        case 29: "LOC"
        case 33: "SRV"
        case 35: "NAPTR"
        case 39: "DNAME"
        case 41: "OPT"
        case 43: "DS"
        case 44: "SSHFP"
        case 46: "RRSIG"
        case 47: "NSEC"
        case 48: "DNSKEY"
        case 50: "NSEC3"
        case 52: "TLSA"
        case 64: "SVCB"
        case 65: "HTTPS"
        case 251: "IXFR"
        case 252: "AXFR"
        case 255: "ANY"
        case 256: "URI"
        case 257: "CAA"
        default: nil
        }
    }

    private static func responseCodeName(_ number: UInt16) -> StaticString? {
        switch number {
        case 0: "NOERROR"
        case 1: "FORMERR"
        case 2: "SERVFAIL"
        case 3: "NXDOMAIN"
        case 4: "NOTIMP"
        case 5: "REFUSED"
        case 6: "YXDOMAIN"
        case 7: "YXRRSET"
        case 8: "NXRRSET"
        case 9: "NOTAUTH"
        case 10: "NOTZONE"
        case 16: "BADVERS"
        case 23: "BADCOOKIE"
        default: nil
        }
    }
}

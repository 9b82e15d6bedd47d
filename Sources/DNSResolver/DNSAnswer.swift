import Basics

/// What the domain name system said about one name and one record type.
///
/// There is always at least one record: a name without records of the type is a ``DNSFailure``.
package struct DNSAnswer<Record: Sendable>: Sendable {
  /// The records; never empty.
  package var records: [Record]
  /// Whether DNSSEC proved the whole chain (RFC 4035 section 4.3); `false` for unsigned zones.
  package var secure: Bool
  /// How long the answer may be kept.
  package var ttl: Duration
  /// The name after all aliases (CNAME), lower-case, without the final dot.
  package var canonicalName: String

  /// Makes an answer, for test doubles and conversions.
  package init(_ records: [Record], secure: Bool = false, ttl: Duration = .seconds(300), canonicalName: String = "") {
    self.records = records
    self.secure = secure
    self.ttl = ttl
    self.canonicalName = canonicalName
  }

  func map<Other: Sendable>(_ transform: (Record) -> Other) -> DNSAnswer<Other> {
    DNSAnswer<Other>(records.map(transform), secure: secure, ttl: ttl, canonicalName: canonicalName)
  }
}

/// Why there is no answer; the first two are permanent, the others may pass.
package enum DNSFailure: Error, Hashable, Sendable {
  /// The name does not exist (RCODE 3).
  case nxdomain
  /// The name exists but has no record of the requested type.
  case nodata
  /// No server gave a usable answer (RCODE 2, refusals, alias loops, broken packets).
  case servfail
  /// Nothing came within the resolver's time limit.
  case timeout
  /// DNSSEC proved the answer false or broken; the text is the validator's.
  case bogus(String)

  /// Whether asking again later may help.
  package var isTemporary: Bool {
    switch self {
    case .nxdomain, .nodata: false
    case .servfail, .timeout, .bogus: true
    }
  }
}

extension DNSFailure: CustomStringConvertible {
  /// Words for logs and queue listings.
  package var description: String {
    switch self {
    case .nxdomain: "Host not found"
    case .nodata: "Host found but no data record of requested type"
    case .servfail: "Host not found, try again"
    case .timeout: "Name service timed out"
    case .bogus(let reason): reason.isEmpty ? "DNSSEC validation failed" : "DNSSEC validation failed: \(reason)"
    }
  }
}

/// A mail exchanger (RFC 1035 section 3.3.9).
package struct MXRecord: Hashable, Sendable {
  /// Lower values are tried first.
  package var preference: UInt16
  /// The host's name, lower-case, without the final dot; empty for the root.
  package var host: String

  /// Makes a record.
  package init(preference: UInt16, host: String) {
    self.preference = preference
    self.host = host
  }
}

extension DNSAnswer where Record == MXRecord {
  /// Whether the domain says that it takes no mail: a single exchanger named "." (RFC 7505).
  package var isNullMX: Bool { records.count == 1 && records[0].host.isEmpty }

  /// The exchangers by rising preference, equal ones in random order (RFC 5321 section 5.1).
  package func sorted() -> DNSAnswer<MXRecord> {
    var copy = self
    copy.records = records.shuffled().enumerated()
      .sorted { ($0.element.preference, $0.offset) < ($1.element.preference, $1.offset) }
      .map(\.element)
    return copy
  }
}

/// A TLS certificate association (RFC 6698 section 2.1).
package struct TLSARecord: Hashable, Sendable {
  /// Certificate usage: 2 is DANE-TA, 3 is DANE-EE.
  package var usage: UInt8
  /// 0: the whole certificate, 1: its public key.
  package var selector: UInt8
  /// 0: the data itself, 1: SHA-256, 2: SHA-512.
  package var matching: UInt8
  /// The association data.
  package var data: [UInt8]

  /// Makes a record.
  package init(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8]) {
    self.usage = usage
    self.selector = selector
    self.matching = matching
    self.data = data
  }
}

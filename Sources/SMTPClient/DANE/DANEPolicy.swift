import DNSResolver

extension TLSARecord {
  /// Whether SMTP can use it: usages 0 and 1 mean nothing here (RFC 7672 section 3.1.3).
  var isUsable: Bool {
    guard usage == 2 || usage == 3, selector <= 1 else { return false }
    switch matching {
    case 0: return !data.isEmpty
    case 1: return data.count == 32
    case 2: return data.count == 64
    default: return false
    }
  }
}

/// What the name system, proven by DNSSEC, says about a server's certificate (RFC 7672).
///
/// TLS is then a must. A policy without a usable association asks for TLS with any certificate (section 2.2).
package struct DANEPolicy: Hashable, Sendable {
  /// The associations that can be used, the weaker of two digests left out.
  let associations: [TLSARecord]
  /// The name under which the records stand, for SNI; then what else an authority's certificate may be made out to.
  let names: [String]

  /// Takes records as they are published.
  ///
  /// - Parameters:
  ///   - baseDomain: the host's name under which they were found (RFC 7672 section 2.2.2).
  ///   - nextHop: the recipient's domain, when its exchangers are proven too (section 3.2.2).
  package init(_ records: [TLSARecord], baseDomain: String, nextHop: String?) {
    let usable = records.filter(\.isUsable)
    // Who publishes both digests of one kind means the stronger one (RFC 7671 section 9).
    associations = usable.filter { record in
      record.matching != 1
        || !usable.contains { $0.matching == 2 && $0.usage == record.usage && $0.selector == record.selector }
    }
    names = [baseDomain] + (nextHop.map { $0 == baseDomain ? [] : [$0] } ?? [])
  }

  /// Whether the server's certificate is checked.
  package var isAuthenticating: Bool { !associations.isEmpty }
}

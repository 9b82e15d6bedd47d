/// One TLS certificate association of the name system (RFC 6698 section 2.1).
package struct CertificateAssociation: Hashable, Sendable {
  /// 2: the certificate's authority (DANE-TA), 3: the server's own certificate (DANE-EE).
  package var usage: UInt8
  /// 0: the whole certificate, 1: its public key.
  package var selector: UInt8
  /// 0: the data itself, 1: its SHA-256, 2: its SHA-512.
  package var matching: UInt8
  /// What must match.
  package var data: [UInt8]

  /// Makes an association.
  package init(usage: UInt8, selector: UInt8, matching: UInt8, data: [UInt8]) {
    self.usage = usage
    self.selector = selector
    self.matching = matching
    self.data = data
  }

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
  let associations: [CertificateAssociation]
  /// The name under which the records stand, for SNI; then what else an authority's certificate may be made out to.
  let names: [String]

  /// Takes records as they are published.
  ///
  /// - Parameters:
  ///   - baseDomain: the host's name under which they were found (RFC 7672 section 2.2.2).
  ///   - nextHop: the recipient's domain, when its exchangers are proven too (section 3.2.2).
  package init(_ records: [CertificateAssociation], baseDomain: String, nextHop: String?) {
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

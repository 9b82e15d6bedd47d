import DNSResolver
import MailSyntax

/// One look at the DNS for a proof of ownership.
enum OwnershipProof: Sendable, Equatable {
  /// Seen, in words.
  case found(DomainValidation.Proof, String)
  /// Not there, in words.
  case missing(String)
  /// The name system could not say, in words.
  case unknown(String)

  /// Asks for the TXT record with the token, then for an MX at one of our names.
  static func look(
    _ validation: DomainValidation, ownNames: Set<String>, resolver: any Resolving
  ) async throws -> OwnershipProof {
    let text = try await text(validation, resolver)
    if case .found = text { return text }
    let exchanger = try await exchanger(validation.domain.ascii, ownNames, resolver)
    switch (text, exchanger) {
    case (_, .found): return exchanger
    case (.unknown(let why), _), (_, .unknown(let why)): return .unknown(why)
    case (.missing(let first), .missing(let second)): return .missing("\(first); \(second)")
    default: return text
    }
  }

  private static func text(_ validation: DomainValidation, _ resolver: any Resolving) async throws -> OwnershipProof {
    let name = validation.recordName
    do {
      let records = try await resolver.txt(name).records
      let isThere = records.contains { record in
        String(decoding: record, as: UTF8.self).split(whereSeparator: \.isWhitespace).contains(
          Substring(validation.token))
      }
      return isThere
        ? .found(.txt, "TXT \(name) holds the token")
        : .missing("TXT \(name) is there but does not hold the token \(validation.token)")
    } catch let failure as DNSFailure {
      return failure.isTemporary
        ? .unknown("TXT \(name) could not be asked: \(failure)") : .missing("no TXT record at \(name)")
    }
  }

  private static func exchanger(
    _ domain: String, _ ownNames: Set<String>, _ resolver: any Resolving
  ) async throws -> OwnershipProof {
    do {
      let hosts = try await resolver.mx(domain).records.map(\.host)
      if let own = hosts.first(where: ownNames.contains) { return .found(.mx, "MX \(own) is this host") }
      return .missing("MX \(hosts.prefix(5).joined(separator: ", ")) is not this host")
    } catch let failure as DNSFailure {
      return failure.isTemporary
        ? .unknown("MX of \(domain) could not be asked: \(failure)") : .missing("no MX record of \(domain)")
    }
  }
}

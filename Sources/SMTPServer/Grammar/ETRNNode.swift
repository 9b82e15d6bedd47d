import MailSyntax

/// The argument of ETRN (RFC 1985 section 5.1).
package enum ETRNNode: Sendable, Hashable {
  /// Mail for this domain.
  case domain(MailDomain)
  /// `@domain`: the domain and all below it.
  case subdomains(MailDomain)
  /// `#name`: a queue by name.
  case queue(String)

  /// Reads the argument; `nil` when it breaks the grammar.
  package init?(_ argument: [UInt8]) {
    guard argument.count <= 255, let text = String(validating: argument, as: UTF8.self),
      !argument.contains(where: { $0 <= 0x20 || $0 == 0x7f })
    else { return nil }
    switch argument.first {
    case 0x40:
      guard let domain = try? MailDomain(text.dropFirst()), domain.literal == nil else { return nil }
      self = .subdomains(domain)
    case 0x23:
      let name = text.dropFirst()
      guard !name.isEmpty, name.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return nil }
      self = .queue(String(name))
    default:
      guard let domain = try? MailDomain(text), domain.literal == nil else { return nil }
      self = .domain(domain)
    }
  }
}

extension ETRNNode: CustomStringConvertible {
  /// The node as replies name it.
  package var description: String {
    switch self {
    case .domain(let domain): domain.ascii
    case .subdomains(let domain): "@\(domain.ascii)"
    case .queue(let name): "#\(name)"
    }
  }
}

/// One `KEYWORD=value` behind MAIL or RCPT (RFC 5321 section 4.1.2).
package struct ESMTPParameter: Hashable, Sendable {
  /// The keyword in upper case.
  package let keyword: String
  /// What follows `=`, as it came; `nil` without `=`.
  package let value: String?

  /// Makes a parameter; the keyword is raised to upper case.
  package init(keyword: String, value: String?) {
    self.keyword = ASCII.uppercased(keyword)
    self.value = value
  }
}

extension ESMTPParameter: CustomStringConvertible {
  /// `SIZE=1000`.
  package var description: String { value.map { "\(keyword)=\($0)" } ?? keyword }
}

/// Why the argument of MAIL FROM or RCPT TO was refused.
package enum PathError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No address, an open bracket or quote, or something behind the closing bracket.
  case syntax
  /// The address itself is bad.
  case address(AddressError)
  /// The address has octets above 127 and SMTPUTF8 was not asked for (RFC 6531).
  case needsSMTPUTF8
  /// A parameter is malformed, given twice, or there are too many.
  case parameter(String)

  /// A short English reason.
  package var description: String {
    switch self {
    case .syntax: "syntax error in address"
    case .address(let error): error.description
    case .needsSMTPUTF8: "address needs SMTPUTF8"
    case .parameter(let name): "bad parameter \(name)"
    }
  }
}

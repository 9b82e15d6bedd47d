import MailSyntax

/// What a command's parameters say, or the reply that refuses them.
package struct ParameterRefusal: Error, Sendable, Equatable {
  /// The reply to give.
  package let reply: SMTPReply
}

/// The parameters of MAIL (RFC 1870, 6152, 3030, 6531, 3461, 4954, 8689, 4865).
package struct MailParameters: Sendable, Equatable {
  /// SIZE, in octets.
  package var size: Int?
  /// Whether BODY=8BITMIME was given.
  package var isEightBit = false
  /// Whether BODY=BINARYMIME was given: only BDAT may follow.
  package var isBinary = false
  /// Whether REQUIRETLS was given.
  package var requiresTLS = false
  /// HOLDFOR or HOLDUNTIL.
  package var hold: HoldParameter?
  /// Whether SMTPUTF8 was given.
  package var isUTF8 = false
  /// RET.
  package var dsnReturn: DeliveryReturn?
  /// ENVID, in xtext.
  package var envelopeID: String?

  /// Reads the parameters; one that is unknown, given twice or malformed refuses the command.
  package init(_ parameters: [ESMTPParameter]) throws(ParameterRefusal) {
    var seen: Set<String> = []
    for parameter in parameters {
      guard seen.insert(parameter.keyword).inserted else { throw .syntax(parameter.keyword) }
      try take(parameter)
    }
  }

  private mutating func take(_ parameter: ESMTPParameter) throws(ParameterRefusal) {
    let value = parameter.value
    switch parameter.keyword {
    case "SIZE":
      // RFC 1870 section 5: up to 20 digits.
      guard let value, (1...20).contains(value.utf8.count), value.utf8.allSatisfy({ (0x30...0x39).contains($0) })
      else { throw .syntax("SIZE") }
      size = Int(value) ?? .max
    case "BODY":
      switch value?.uppercased() {
      case "7BIT": isEightBit = false
      case "8BITMIME": isEightBit = true
      case "BINARYMIME": (isEightBit, isBinary) = (true, true)
      default: throw .syntax("BODY")
      }
    case "SMTPUTF8":
      guard value == nil else { throw .syntax("SMTPUTF8") }
      isUTF8 = true
    case "REQUIRETLS":
      guard value == nil else { throw .syntax("REQUIRETLS") }
      requiresTLS = true
    case "HOLDFOR", "HOLDUNTIL":
      // RFC 4865 section 4: one of them, once.
      guard hold == nil, let value, let hold = HoldParameter(keyword: parameter.keyword, value) else {
        throw .syntax(parameter.keyword)
      }
      self.hold = hold
    case "RET":
      guard let value, let kind = DeliveryReturn(parameter: value) else { throw .syntax("RET") }
      dsnReturn = kind
    case "ENVID":
      // RFC 3461 section 4.4: xtext of at most 100 octets.
      guard let value, (1...100).contains(value.utf8.count), let octets = XText.decode(value),
        octets.allSatisfy({ (0x20...0x7e).contains($0) })
      else { throw .syntax("ENVID") }
      envelopeID = value
    case "AUTH":
      // RFC 4954 section 5: we trust nobody's assertion, so it is read and forgotten.
      guard let value, value == "<>" || XText.decode(value) != nil else { throw .syntax("AUTH") }
    default:
      throw .unknown(parameter.keyword)
    }
  }
}

/// The parameters of RCPT (RFC 3461 sections 4.1 and 4.2).
package struct RecipientParameters: Sendable, Equatable {
  /// NOTIFY.
  package var notify: DeliveryNotify?
  /// ORCPT.
  package var originalRecipient: OriginalRecipient?

  /// Reads the parameters; one that is unknown, given twice or malformed refuses the command.
  package init(_ parameters: [ESMTPParameter]) throws(ParameterRefusal) {
    for parameter in parameters {
      switch parameter.keyword {
      case "NOTIFY":
        guard notify == nil, let value = parameter.value, let set = DeliveryNotify(parameter: value) else {
          throw .syntax("NOTIFY")
        }
        notify = set
      case "ORCPT":
        guard originalRecipient == nil, let value = parameter.value, let original = OriginalRecipient(parameter: value)
        else { throw .syntax("ORCPT") }
        originalRecipient = original
      default:
        throw .unknown(parameter.keyword)
      }
    }
  }
}

extension ParameterRefusal {
  static func syntax(_ keyword: String) -> ParameterRefusal {
    ParameterRefusal(reply: SMTPReply(501, "5.5.4", "Bad parameter \(keyword)"))
  }
  static func unknown(_ keyword: String) -> ParameterRefusal {
    ParameterRefusal(reply: SMTPReply(555, "5.5.4", "Unsupported option: \(keyword)"))
  }
}

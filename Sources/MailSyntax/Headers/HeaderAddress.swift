/// One entry of an address field as IMAP's ENVELOPE shows it (RFC 3501 section 7.4.2, RFC 5322 section 3.4).
package struct HeaderAddress: Hashable, Sendable {
  /// What an entry is.
  package enum Kind: Hashable, Sendable {
    /// A mailbox.
    case mailbox
    /// The start of a group; `mailbox` holds its name.
    case groupStart
    /// The end of a group.
    case groupEnd
  }

  /// What this entry is.
  package let kind: Kind
  /// The display name, or the comment behind a bare address; encoded words stay as they are.
  package let name: [UInt8]?
  /// The source route (`@a,@b`).
  package let route: [UInt8]?
  /// The local part without quotes; `nil` when it is missing.
  package let mailbox: [UInt8]?
  /// The domain; `nil` when it is missing.
  package let host: [UInt8]?

  /// Most entries taken from one header section's fields of a name.
  package static let maximumCount = 10_000

  /// The address when it is a good one.
  package var address: EmailAddress? {
    guard kind == .mailbox, let mailbox, let host, let domain = try? MailDomain(String(decoding: host, as: UTF8.self))
    else { return nil }
    return try? EmailAddress(localPart: String(decoding: mailbox, as: UTF8.self), domain: domain)
  }

  /// The display name with encoded words decoded.
  package var displayName: String? {
    guard let name, !name.isEmpty else { return nil }
    let text = EncodedWord.decode(name)
    return text.isEmpty ? nil : text
  }

  /// Parses the value of an address field, in linear time and with a place for every odd input.
  package static func parse(_ value: [UInt8], limit: Int = maximumCount) -> [HeaderAddress] {
    var result: [HeaderAddress] = []
    parse(value, limit: limit, into: &result)
    return result
  }

  /// Parses the value of an address field and appends at most `limit` entries.
  static func parse(_ value: [UInt8], limit: Int, into result: inout [HeaderAddress]) {
    var parser = AddressListParser(value, limit: limit)
    parser.run()
    result += parser.result
  }
}

/// The state of one pass over an address field.
private struct AddressListParser {
  private var lexer: HeaderLexer
  private let limit: Int
  private(set) var result: [HeaderAddress] = []
  private var words: [[UInt8]] = []
  private var inGroup = false

  init(_ value: [UInt8], limit: Int) {
    lexer = HeaderLexer(value)
    self.limit = limit
  }

  mutating func run() {
    while result.count < limit {
      lexer.skipCFWS()
      guard let octet = lexer.peek else { break }
      step(octet)
    }
    if result.count < limit { finishBareWord() }
    if inGroup { result.append(entry(.groupEnd)) }
  }

  private mutating func step(_ octet: UInt8) {
    switch octet {
    case ASCII.quote:
      words.append(lexer.takeQuotedString())
    case ASCII.comma:
      lexer.advance()
      finishBareWord()
    case ASCII.semicolon:
      lexer.advance()
      finishBareWord()
      if inGroup { result.append(entry(.groupEnd)) }
      inGroup = false
    case ASCII.colon:
      lexer.advance()
      guard !inGroup else { return }
      result.append(entry(.groupStart, mailbox: joined(words)))
      inGroup = true
      startAnew()
    case ASCII.less:
      lexer.advance()
      angleAddress()
    case ASCII.at:
      lexer.advance()
      let local = Array(words.joined())
      let host = domain()
      lexer.skipCFWS()
      result.append(entry(.mailbox, name: lexer.lastComment, mailbox: local, host: host))
      startAnew()
    default:
      let word = lexer.takeWhile { ASCII.isAtomText($0) || $0 == ASCII.dot }
      if word.isEmpty { lexer.advance() } else { words.append(word) }
    }
  }

  /// `[route ":"] local "@" domain ">"`; the opening bracket was taken.
  private mutating func angleAddress() {
    let name = words.isEmpty ? nil : joined(words)
    let route = sourceRoute()
    var local: [[UInt8]] = []
    var host: [UInt8]?
    while true {
      lexer.skipCFWS()
      guard let octet = lexer.peek, octet != ASCII.greater else { break }
      if octet == ASCII.quote {
        local.append(lexer.takeQuotedString())
      } else if octet == ASCII.at {
        lexer.advance()
        host = domain()
      } else if octet == ASCII.comma || octet == ASCII.less {
        break
      } else {
        let word = lexer.takeWhile { ASCII.isAtomText($0) || $0 == ASCII.dot }
        if word.isEmpty { lexer.advance() } else if host == nil { local.append(word) }
      }
    }
    _ = lexer.take(ASCII.greater)
    let mailbox = local.isEmpty ? nil : Array(local.joined())
    if mailbox != nil || host != nil || name != nil {
      result.append(entry(.mailbox, name: name, route: route, mailbox: mailbox, host: host))
    }
    startAnew()
  }

  private mutating func sourceRoute() -> [UInt8]? {
    lexer.skipCFWS()
    guard lexer.peek == ASCII.at else { return nil }
    let route = lexer.takeWhile { $0 != ASCII.colon && $0 != ASCII.greater }
    guard lexer.take(ASCII.colon) else { return nil }
    return route.filter { !ASCII.isWhite($0) }
  }

  private mutating func domain() -> [UInt8]? {
    var result: [UInt8] = []
    while true {
      lexer.skipCFWS()
      if lexer.peek == ASCII.openBracket {
        result += lexer.takeDomainLiteral()
      } else {
        let word = lexer.takeWhile { ASCII.isAtomText($0) || $0 == ASCII.dot }
        guard !word.isEmpty else { break }
        result += word
      }
    }
    return result.isEmpty ? nil : result
  }

  private mutating func finishBareWord() {
    if !words.isEmpty { result.append(entry(.mailbox, name: lexer.lastComment, mailbox: joined(words))) }
    startAnew()
  }

  private mutating func startAnew() {
    words = []
    lexer.forgetComment()
  }

  private func joined(_ words: [[UInt8]]) -> [UInt8] { Array(words.joined(separator: [ASCII.space])) }

  private func entry(
    _ kind: HeaderAddress.Kind, name: [UInt8]? = nil, route: [UInt8]? = nil, mailbox: [UInt8]? = nil,
    host: [UInt8]? = nil
  ) -> HeaderAddress {
    HeaderAddress(kind: kind, name: name, route: route, mailbox: mailbox, host: host)
  }
}

/// One command line, cut into verb and argument (RFC 5321 section 4.1.1); the argument is not judged yet.
package enum SMTPCommand: Sendable, Equatable {
  /// HELO and its name.
  case helo([UInt8])
  /// EHLO and its name.
  case ehlo([UInt8])
  /// LHLO of RFC 2033 and its name.
  case lhlo([UInt8])
  /// What follows `MAIL FROM:`.
  case mail([UInt8])
  /// What follows `RCPT TO:`.
  case rcpt([UInt8])
  /// DATA.
  case data
  /// BDAT of RFC 3030.
  case bdat(size: Int, isLast: Bool)
  /// BDAT whose size cannot be read, or is beyond all bounds: nobody knows where the next command starts.
  case bdatUnreadable
  /// RSET.
  case rset
  /// NOOP, whatever follows it.
  case noop
  /// QUIT.
  case quit
  /// VRFY and its argument.
  case vrfy([UInt8])
  /// EXPN.
  case expn
  /// HELP.
  case help
  /// ETRN of RFC 1985 and its argument.
  case etrn([UInt8])
  /// AUTH of RFC 4954: mechanism and initial response.
  case auth(mechanism: String, initial: [UInt8]?)
  /// STARTTLS.
  case startTLS
  /// TURN or ATRN, which are never done (R18).
  case turn
  /// A verb that is known, with an argument that does not fit; the text names the right form.
  case malformed(usage: String)
  /// A line of HTTP, or a header line: somebody's browser was sent here (R-cross-protocol).
  case foreign
  /// Anything else.
  case unknown

  /// Largest BDAT that is swallowed to stay in step, in octets.
  package static let largestChunk = 1 << 40

  /// Reads one line without its line end; never fails.
  package static func parse(_ line: [UInt8]) -> SMTPCommand {
    let trimmed = trimTrailingBlanks(line[...])
    let verb = trimmed.prefix { $0 != 0x20 && $0 != 0x09 }
    let argument = trimmed.dropFirst(verb.count).drop { $0 == 0x20 || $0 == 0x09 }
    guard verb.count <= 12 else { return isForeign(verb, line: trimmed) ? .foreign : .unknown }
    switch String(decoding: verb.map(upper), as: UTF8.self) {
    case "HELO": return .helo(Array(argument))
    case "EHLO": return .ehlo(Array(argument))
    case "LHLO": return .lhlo(Array(argument))
    case "MAIL": return path(line, after: "FROM", usage: "MAIL FROM:<address>").map { .mail($0) } ?? mailUsage
    case "RCPT": return path(line, after: "TO", usage: "RCPT TO:<address>").map { .rcpt($0) } ?? rcptUsage
    case "DATA": return bare(argument, .data, usage: "DATA")
    case "BDAT": return bdat(argument)
    case "RSET": return bare(argument, .rset, usage: "RSET")
    case "NOOP": return .noop
    case "QUIT": return bare(argument, .quit, usage: "QUIT")
    case "VRFY": return argument.isEmpty ? .malformed(usage: "VRFY address") : .vrfy(Array(argument))
    case "EXPN": return .expn
    case "HELP": return .help
    case "ETRN": return argument.isEmpty ? .malformed(usage: "ETRN domain") : .etrn(Array(argument))
    case "AUTH": return auth(argument)
    case "STARTTLS": return bare(argument, .startTLS, usage: "STARTTLS")
    case "TURN", "ATRN": return .turn
    default: return isForeign(verb, line: trimmed) ? .foreign : .unknown
    }
  }

  private static let mailUsage = SMTPCommand.malformed(usage: "MAIL FROM:<address>")
  private static let rcptUsage = SMTPCommand.malformed(usage: "RCPT TO:<address>")

  private static func bare(_ argument: ArraySlice<UInt8>, _ command: SMTPCommand, usage: String) -> SMTPCommand {
    argument.isEmpty ? command : .malformed(usage: usage)
  }

  /// What follows `FROM:` or `TO:`; blanks around the colon are taken (R77).
  private static func path(_ line: [UInt8], after keyword: String, usage: String) -> [UInt8]? {
    // The line keeps its trailing blanks: R49 wants them noticed where they belong to the address.
    var rest = line.dropFirst(4).drop { $0 == 0x20 || $0 == 0x09 }
    for expected in keyword.utf8 {
      guard let octet = rest.popFirst(), upper(octet) == expected else { return nil }
    }
    rest = rest.drop { $0 == 0x20 || $0 == 0x09 }
    guard rest.popFirst() == 0x3a else { return nil }
    return Array(rest)
  }

  private static func bdat(_ argument: ArraySlice<UInt8>) -> SMTPCommand {
    let words = argument.split { $0 == 0x20 || $0 == 0x09 }
    guard let digits = words.first, !digits.isEmpty, digits.count <= 18,
      digits.allSatisfy({ (0x30...0x39).contains($0) })
    else { return .bdatUnreadable }
    let size = digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) }
    guard size <= largestChunk else { return .bdatUnreadable }
    switch words.count {
    case 1:
      return .bdat(size: size, isLast: false)
    case 2 where words[1].map(upper) == Array("LAST".utf8):
      return .bdat(size: size, isLast: true)
    default:
      return .bdatUnreadable
    }
  }

  private static func auth(_ argument: ArraySlice<UInt8>) -> SMTPCommand {
    let words = argument.split { $0 == 0x20 || $0 == 0x09 }
    // RFC 4422 section 3.1: 1 to 20 capital letters, digits, hyphens and underscores.
    guard let name = words.first, words.count <= 2, name.count <= 20, name.allSatisfy(isMechanismOctet) else {
      return .malformed(usage: "AUTH mechanism [initial-response]")
    }
    return .auth(
      mechanism: String(decoding: name.map(upper), as: UTF8.self), initial: words.count == 2 ? Array(words[1]) : nil)
  }

  private static func isMechanismOctet(_ octet: UInt8) -> Bool {
    let raised = upper(octet)
    return (0x41...0x5a).contains(raised) || (0x30...0x39).contains(octet) || octet == 0x2d || octet == 0x5f
  }

  private static let foreignVerbs: Set<String> = [
    "GET", "POST", "HEAD", "PUT", "DELETE", "CONNECT", "OPTIONS", "PATCH", "TRACE", "PRI",
  ]

  private static func isForeign(_ verb: ArraySlice<UInt8>, line: ArraySlice<UInt8>) -> Bool {
    let word = String(decoding: verb.prefix(16).map(upper), as: UTF8.self)
    return foreignVerbs.contains(word) || (verb.count > 1 && verb.last == 0x3a)
  }

  private static func trimTrailingBlanks(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var rest = line
    while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
    return rest
  }

  private static func upper(_ octet: UInt8) -> UInt8 { (0x61...0x7a).contains(octet) ? octet & 0xdf : octet }
}

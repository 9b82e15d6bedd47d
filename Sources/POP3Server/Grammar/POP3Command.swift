/// One command line, understood (RFC 1939, 2449, 2595, 5034, 6856).
package enum POP3Command: Equatable, Sendable {
  case user([UInt8])
  case pass([UInt8])
  case apop(name: [UInt8], digest: [UInt8])
  /// `AUTH` without a mechanism asks for the list, an old habit of some clients.
  case auth(mechanism: String?, initialResponse: [UInt8]?)
  case capa
  case stls
  case utf8
  case lang(String?)
  case quit
  case noop
  case stat
  case list(POP3Number?)
  case uidl(POP3Number?)
  case retr(POP3Number)
  case top(POP3Number, lines: Int)
  case dele(POP3Number)
  case rset
}

/// A message number as a client wrote it.
package enum POP3Number: Equatable, Sendable {
  /// Counted from 1.
  case message(Int)
  /// `0`.
  case zero
  /// Larger than any number of messages.
  case huge
}

/// Why a line is no command.
package enum POP3SyntaxError: Error, Equatable, Sendable {
  /// Nothing, or only spaces.
  case empty
  /// A word that is no command here.
  case unknown
  /// A command of another protocol: a browser was made to speak to us (ALPACA).
  case foreign
  /// A known command with arguments it does not take; the text is its form.
  case form(String)
  /// A line longer than this command may have.
  case tooLong
}

/// Reads command lines; knows nothing of sessions, sockets or the octets' origin.
package struct POP3Parser: Sendable {
  /// Octets of a command line.
  package var lineLimit: Int
  /// Octets of a PASS line.
  package var passwordLineLimit: Int

  /// Makes a parser with the limits of RFC 2449 section 4, PASS apart.
  package init(lineLimit: Int = 255, passwordLineLimit: Int = 512) {
    self.lineLimit = lineLimit
    self.passwordLineLimit = passwordLineLimit
  }

  /// Reads one line without its line end.
  package func parse(_ line: [UInt8]) throws(POP3SyntaxError) -> POP3Command {
    let keyword = Self.keyword(line)
    let rest = line.dropFirst(keyword.count)
    let name = String(decoding: keyword, as: UTF8.self)
    switch name {
    case "PASS":
      guard line.count <= passwordLineLimit else { throw .tooLong }
      // RFC 1939 section 7: whatever follows the one space is the password, further spaces included.
      guard rest.first == 0x20, rest.count > 1 else { throw .form("PASS password") }
      return .pass(Array(rest.dropFirst()))
    case "AUTH": return try auth(Self.words(rest))
    default:
      guard line.count <= lineLimit else { throw .tooLong }
      return try command(name, Self.words(rest), rest)
    }
  }

  private func command(
    _ name: String, _ words: [ArraySlice<UInt8>], _ rest: ArraySlice<UInt8>
  ) throws(POP3SyntaxError) -> POP3Command {
    switch name {
    case "USER":
      guard words.count == 1 else { throw .form("USER name") }
      return .user(Array(words[0]))
    case "APOP":
      guard words.count == 2 else { throw .form("APOP name digest") }
      return .apop(name: Array(words[0]), digest: Array(words[1]))
    case "LANG":
      guard words.count <= 1 else { throw .form("LANG [tag]") }
      return .lang(words.first.map { String(decoding: $0, as: UTF8.self) })
    case "LIST": return .list(try optionalNumber(words, "LIST [message]"))
    case "UIDL": return .uidl(try optionalNumber(words, "UIDL [message]"))
    case "RETR": return .retr(try number(words, "RETR message"))
    case "DELE": return .dele(try number(words, "DELE message"))
    case "TOP": return try top(words)
    case "CAPA": return try alone(.capa, words, name)
    case "STLS": return try alone(.stls, words, name)
    case "UTF8": return try alone(.utf8, words, name)
    case "QUIT": return try alone(.quit, words, name)
    case "NOOP": return try alone(.noop, words, name)
    case "STAT": return try alone(.stat, words, name)
    case "RSET": return try alone(.rset, words, name)
    case "GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT", "DELETE", "PATCH", "TRACE", "EHLO", "HELO":
      throw .foreign
    case "": throw rest.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) ? .empty : .unknown
    default: throw .unknown
    }
  }

  private func auth(_ words: [ArraySlice<UInt8>]) throws(POP3SyntaxError) -> POP3Command {
    guard words.count <= 2 else { throw .form("AUTH mechanism [initial-response]") }
    guard let first = words.first else { return .auth(mechanism: nil, initialResponse: nil) }
    guard first.count <= 20 else { throw .form("AUTH mechanism [initial-response]") }
    return .auth(
      mechanism: String(decoding: first, as: UTF8.self), initialResponse: words.count == 2 ? Array(words[1]) : nil)
  }

  private func top(_ words: [ArraySlice<UInt8>]) throws(POP3SyntaxError) -> POP3Command {
    guard words.count == 2, let number = Self.number(words[0]), let lines = Self.number(words[1]) else {
      throw .form("TOP message lines")
    }
    switch lines {
    case .zero: return .top(number, lines: 0)
    case .message(let count): return .top(number, lines: count)
    case .huge: return .top(number, lines: .max)
    }
  }

  private func alone(
    _ command: POP3Command, _ words: [ArraySlice<UInt8>], _ name: String
  ) throws(POP3SyntaxError) -> POP3Command {
    guard words.isEmpty else { throw .form(name) }
    return command
  }

  private func number(_ words: [ArraySlice<UInt8>], _ form: String) throws(POP3SyntaxError) -> POP3Number {
    guard words.count == 1, let number = Self.number(words[0]) else { throw .form(form) }
    return number
  }

  private func optionalNumber(_ words: [ArraySlice<UInt8>], _ form: String) throws(POP3SyntaxError) -> POP3Number? {
    words.isEmpty ? nil : try number(words, form)
  }

  /// The leading letters and digits, upper-cased; at most 16, for no command is longer.
  private static func keyword(_ line: [UInt8]) -> [UInt8] {
    var word: [UInt8] = []
    for octet in line {
      switch octet {
      case 0x41...0x5a, 0x30...0x39: word.append(octet)
      case 0x61...0x7a: word.append(octet &- 0x20)
      case 0x20, 0x09: return word
      default: return []
      }
      if word.count > 16 { return [] }
    }
    return word
  }

  /// The words of an argument; tabs and repeated or trailing spaces are forgiven.
  private static func words(_ rest: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    rest.split { $0 == 0x20 || $0 == 0x09 }
  }

  private static func number(_ word: ArraySlice<UInt8>) -> POP3Number? {
    guard !word.isEmpty, word.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    let digits = word.drop { $0 == 0x30 }
    if digits.isEmpty { return .zero }
    guard digits.count <= 9 else { return .huge }
    return .message(digits.reduce(0) { $0 * 10 + Int($1 &- 0x30) })
  }
}

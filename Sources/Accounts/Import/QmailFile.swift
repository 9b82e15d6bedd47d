import MailSyntax

/// What one name of a vpopmail domain leads to, as its `.qmail-name` file or `valias -s` tells (dot-qmail(5)).
///
/// Addresses are taken over. Programs and files are not, because a sender's mail would run them; each such line is named.
package struct QmailFile: Hashable, Sendable {
  /// A line that is not taken over.
  package struct Refusal: Hashable, Sendable {
    /// The line's number, from 1.
    package let line: Int
    /// The line.
    package let text: String
    /// Why not.
    package let reason: String
  }

  /// The local part that the file is for; `nil` for the domain's default.
  package let name: String?
  /// Addresses its lines name.
  package private(set) var targets: [String] = []
  /// What the domain's default says.
  package private(set) var catchAll: CatchAll?
  /// Its first comment.
  package private(set) var comment = ""
  /// The lines that are not taken over.
  package private(set) var refused: [Refusal] = []
  private let domain: MailDomain

  /// Reads the lines of a file.
  ///
  /// - Parameters:
  ///   - fileName: `.qmail-name`; `:` in it stands for a dot.
  ///   - text: its content.
  ///   - domain: the domain that the file lies in.
  /// - Returns: `nil` when the name is none of a `.qmail-name` file.
  package init?(fileName: String, text: String, domain: MailDomain) {
    guard fileName.hasPrefix(".qmail-"), fileName.utf8.count > 7 else { return nil }
    let name = fileName.dropFirst(7).lowercased().replacing(":", with: ".")
    self.init(name: name, lines: Self.lines(text), domain: domain)
  }

  /// Reads lines that `valias -s` gives for one name, without the name.
  package init(name: String, lines: [Substring], domain: MailDomain) {
    self.name = name == "default" ? nil : name
    self.domain = domain
    if name.hasSuffix("-default") {
      refused.append(
        Refusal(line: 1, text: "", reason: "names with any extension: give each an alias; user-extension needs none"))
      return
    }
    for (number, line) in lines.enumerated() { read(number + 1, Self.trimmed(line)) }
    if targets.isEmpty, catchAll == nil, refused.isEmpty {
      refused.append(Refusal(line: 1, text: "", reason: "it leads nowhere: mail for an account needs no file"))
    }
  }

  /// The lines of a text; by octets, because CRLF is one character that is no line feed.
  package static func lines(_ text: String) -> [Substring] {
    text.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).map { Substring($0) }
  }

  /// As qmail reads a line: what blanks end it counts for nothing.
  private static func trimmed(_ line: Substring) -> String {
    var octets = Array(line.utf8)
    while let last = octets.last, [0x20, 0x09, 0x0d].contains(last) { octets.removeLast() }
    return String(decoding: octets, as: UTF8.self)
  }

  private mutating func read(_ number: Int, _ line: String) {
    func refuse(_ reason: String) { refused.append(Refusal(line: number, text: line, reason: reason)) }
    switch line.utf8.first {
    case nil:
      if number == 1 { refuse("an empty first line is an error in dot-qmail(5); remove it") }
    case UInt8(ascii: "#"):
      if comment.isEmpty { comment = String(line.drop { $0 == "#" || $0 == " " }) }
    case UInt8(ascii: "|"): readProgram(number, line)
    case UInt8(ascii: "/"), UInt8(ascii: "."):
      guard line.hasSuffix("/") else { return refuse("mail is not written to files: import the file into a mailbox") }
      guard let owner = owner(ofMaildir: line) else { return refuse("it names no account of \(domain)") }
      take(owner, number, line)
    default: take(String(line.drop { $0 == "&" || $0 == " " }), number, line)
    }
  }

  /// `| /home/vpopmail/bin/vdelivermail '' WHAT` is no program to us but the domain's choice.
  private mutating func readProgram(_ number: Int, _ line: String) {
    let words = line.dropFirst().split { $0 == " " || $0 == "\t" }.map(String.init)
    guard let program = words.first, program.split(separator: "/").last == "vdelivermail", name == nil else {
      return refused.append(
        Refusal(line: number, text: line, reason: "programs are not run: what it does must be set up otherwise"))
    }
    let choice = words.dropFirst().last ?? ""
    if let owner = owner(ofMaildir: choice) {
      take(owner, number, line)
    } else if let known = try? CatchAll(choice) {
      set(known, number, line)
    } else {
      let reason = "bounce-no-mailbox, delete, an address or the mailbox of an account of \(domain) belong here"
      refused.append(Refusal(line: number, text: line, reason: reason))
    }
  }

  private mutating func take(_ address: String, _ number: Int, _ line: String) {
    guard let target = try? EmailAddress(address) else {
      let reason = address.contains("@") ? "that is no address" : "an address needs its domain here"
      return refused.append(Refusal(line: number, text: line, reason: reason))
    }
    if name == nil { set(.address(target), number, line) } else { targets.append("\(target)") }
  }

  private mutating func set(_ choice: CatchAll, _ number: Int, _ line: String) {
    guard catchAll == nil else {
      let reason = "a domain has one catch-all: make an alias of several addresses and let it be that"
      return refused.append(Refusal(line: number, text: line, reason: reason))
    }
    catchAll = choice
  }

  /// The account whose mailbox a path names: `…/example.test/[0/]alice/Maildir/`.
  private func owner(ofMaildir path: String) -> String? {
    var parts = path.split(separator: "/").map(String.init)
    guard path.hasPrefix("/"), !parts.contains("..") else { return nil }
    if parts.last == "Maildir" { parts.removeLast() }
    guard let user = parts.popLast(), parts.contains(where: { $0.lowercased() == domain.ascii }) else { return nil }
    return "\(user)@\(domain)"
  }
}

/// What a program that calls `sendmail` asks for (R69, R78): the options that have been in use for decades.
///
///     try SendmailArguments.parse(["-oi", "-t", "-fbob@example.com"], program: "sendmail")
package struct SendmailArguments: Sendable, Equatable {
  /// What is to be done.
  package enum Mode: Sendable, Equatable {
    /// `-bm`: read a message and send it.
    case deliver
    /// `-bs`: SMTP on standard input and output.
    case smtp
    /// `-bp`, and the name `mailq`: list the queue.
    case list
    /// `-q`: try everything in the queue now, or only what an id or a domain names.
    case flush(id: String?, domain: String?)
    /// `-bv`: say where mail for the recipients would go.
    case verify
    /// `-bi`, and the name `newaliases`: nothing to do here, as aliases live in the database.
    case aliases
    /// `--help`.
    case help
  }

  /// A command line that makes no sense, in one line with the remedy.
  package struct Fault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The line.
    package let description: String
  }

  /// What is to be done.
  package var mode = Mode.deliver
  /// `-t`: the header names the recipients.
  package var readsRecipients = false
  /// `-i`, `-oi`: a line with a dot alone does not end the message.
  package var ignoresDots = false
  /// `-f`, `-r`: the envelope sender; empty or `<>` is the null sender.
  package var sender: String?
  /// `-F`: the sender's full name.
  package var fullName: String?
  /// `-v`: print the dialogue.
  package var isVerbose = false
  /// `-N`: NOTIFY of RFC 3461.
  package var notify: String?
  /// `-R`: RET of RFC 3461.
  package var dsnReturn: String?
  /// `-V`: ENVID of RFC 3461.
  package var envelopeID: String?
  /// The recipients on the command line.
  package var recipients: [String] = []
  /// `--config`: the configuration file; ours alone.
  package var configurationFile: String?

  /// Makes the arguments of a bare `sendmail`.
  package init() {}

  /// Options whose value is the rest of the word, or the next word.
  private static let valued: Set<Character> = ["B", "C", "d", "F", "f", "h", "L", "N", "O", "p", "R", "r", "V", "X"]
  /// Options without a value that change nothing here.
  private static let ignored: Set<Character> = ["G", "n", "U", "m", "e", "s", "x", "E", "J", "T"]

  /// Reads a command line.
  ///
  /// - Parameters:
  ///   - arguments: the words behind the program's name.
  ///   - program: the name it was called by: `sendmail`, `mailq` or `newaliases`.
  /// - Throws: ``Fault``.
  package static func parse(_ arguments: [String], program: String) throws(Fault) -> SendmailArguments {
    var result = SendmailArguments()
    if program == "mailq" { result.mode = .list }
    if program == "newaliases" { result.mode = .aliases }
    var rest = arguments[...]
    while let word = rest.popFirst() {
      if word == "--" {
        result.recipients += rest
        break
      }
      if word.hasPrefix("--") {
        try result.long(word, &rest)
      } else if word.hasPrefix("-"), word.count > 1 {
        try result.short(word.dropFirst(), &rest)
      } else {
        result.recipients.append(word)
      }
    }
    return result
  }

  private mutating func long(_ word: String, _ rest: inout ArraySlice<String>) throws(Fault) {
    switch word {
    case "--help": mode = .help
    case "--config":
      guard let file = rest.popFirst() else { throw Fault(description: "--config wants a file") }
      configurationFile = file
    default:
      guard word.hasPrefix("--config=") else {
        throw Fault(description: "unknown option \(word); see: martinet help sendmail")
      }
      configurationFile = String(word.dropFirst("--config=".count))
    }
  }

  /// One word of options: `-oi`, `-vt`, `-fbob@example.com`, `-f bob@example.com`.
  private mutating func short(_ word: Substring, _ rest: inout ArraySlice<String>) throws(Fault) {
    var letters = word
    while let letter = letters.popFirst() {
      switch letter {
      case "t": readsRecipients = true
      case "i": ignoresDots = true
      case "v": isVerbose = true
      case "b":
        try setMode(letters)
        return
      case "o":
        // -oi and -odX, -oeX and the rest of sendmail's short settings; only i means something here.
        if letters.first == "i" { ignoresDots = true }
        return
      case "q":
        setFlush(letters)
        return
      case "A", "I", "M", "Y": return
      case _ where Self.valued.contains(letter):
        guard let value = letters.isEmpty ? rest.popFirst() : String(letters) else {
          throw Fault(description: "-\(letter) wants a value")
        }
        try set(letter, value)
        return
      case _ where Self.ignored.contains(letter): continue
      default: throw Fault(description: "unknown option -\(letter); see: martinet help sendmail")
      }
    }
  }

  private mutating func setMode(_ letters: Substring) throws(Fault) {
    switch letters.first {
    case "m", "a": mode = .deliver
    case "s": mode = .smtp
    case "p": mode = .list
    case "v": mode = .verify
    case "i": mode = .aliases
    case "d", "D": throw Fault(description: "-b\(letters) starts no server here; use: martinet serve")
    default: throw Fault(description: "-b\(letters) is not known; known are -bm -bs -bp -bv -bi")
    }
  }

  /// `-q`, `-qI…` for an id, `-qR…` for recipients in a domain; an interval (`-q30m`) is the server's own business.
  private mutating func setFlush(_ letters: Substring) {
    let value = String(letters.dropFirst())
    switch letters.first {
    case "I": mode = .flush(id: value, domain: nil)
    case "R": mode = .flush(id: nil, domain: value.split(separator: "@").last.map(String.init) ?? value)
    default: mode = .flush(id: nil, domain: nil)
    }
  }

  private mutating func set(_ letter: Character, _ value: String) throws(Fault) {
    switch letter {
    case "f", "r": sender = value
    case "F": fullName = value
    case "N": notify = value.uppercased()
    case "V": envelopeID = value
    case "R":
      guard ["FULL", "HDRS"].contains(value.uppercased()) else {
        throw Fault(description: "-R wants full or hdrs, not \(value)")
      }
      dsnReturn = value.uppercased()
    case "O":
      if value.lowercased().hasPrefix("ignoredots") { ignoresDots = true }
    default: break
    }
  }
}

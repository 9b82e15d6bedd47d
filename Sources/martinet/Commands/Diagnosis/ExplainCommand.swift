import ArgumentParser
import Diagnosis

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet explain "TEXT"`: what an error means and what helps, in English and French (R89).
struct ExplainCommand: HostCommand {
  /// The languages.
  enum Language: String, ExpressibleByArgument, CaseIterable { case en, fr }

  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say what an error text means, why it comes and what helps.",
    discussion: """
      TEXT is what a bounce, a mail program or the log said; - reads it from standard input, a whole bounce included.
      Without TEXT everything that can be explained is listed. Exit code 3 when nothing fits.
      """)
  @Argument(help: ArgumentHelp("The error text, or -.", valueName: "text")) var text: [String] = []
  @Option(help: "en or fr; by LANG when left out.") var language: Language?
  @OptionGroup var common: CommonOptions

  func execute(_ context: CommandContext) async throws -> CommandResult {
    guard !text.isEmpty else {
      return CommandResult(
        .array(KnownError.catalogue.map { Self.json($0) }),
        text: KnownError.catalogue.map { "\($0.name): \($0.text)" }.joined(separator: "\n"))
    }
    let pasted = text == ["-"] ? Self.standardInput() : text.joined(separator: " ")
    let found = Array(KnownError.explain(pasted).prefix(3))
    guard !found.isEmpty else {
      throw CommandFailure(.notFound, "nothing is known about this text; martinet explain lists what is")
    }
    let language = self.language ?? Self.systemLanguage
    return CommandResult(
      .array(found.map { Self.json($0) }), text: found.map { Self.text($0, language) }.joined(separator: "\n\n"))
  }

  private static func text(_ known: KnownError, _ language: Language) -> String {
    let isFrench = language == .fr
    return """
      \(known.text)
        \(isFrench ? "Cause :" : "Cause: ") \(isFrench ? known.cause.french : known.cause.english)
        \(isFrench ? "Remède :" : "Remedy:") \(isFrench ? known.remedy.french : known.remedy.english)
      """
  }

  private static func json(_ known: KnownError) -> JSONValue {
    [
      "name": .string(known.name), "text": .string(known.text),
      "cause": ["en": .string(known.cause.english), "fr": .string(known.cause.french)],
      "remedy": ["en": .string(known.remedy.english), "fr": .string(known.remedy.french)],
    ]
  }

  private static var systemLanguage: Language {
    for name in ["LC_ALL", "LC_MESSAGES", "LANG"] {
      if let value = getenv(name), value.pointee != 0 { return String(cString: value).hasPrefix("fr") ? .fr : .en }
    }
    return .en
  }

  /// At most 64 KiB, which is more than any error text.
  private static func standardInput() -> String {
    var input = StandardInput()
    var octets: [UInt8] = []
    while octets.count < 64 * 1024, let line = input.line() { octets += line + [0x0a] }
    return String(decoding: octets, as: UTF8.self)
  }
}

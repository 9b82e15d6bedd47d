import MailStore

/// Flags as responses show them.
enum FlagWriter {
  static let names: [(flag: MessageFlags, name: String)] = [
    (.answered, "\\Answered"), (.flagged, "\\Flagged"), (.deleted, "\\Deleted"), (.seen, "\\Seen"),
    (.draft, "\\Draft"),
  ]

  /// For each of the 32 sets of system flags, its names with a space between them.
  private static let sets: [[UInt8]] = (UInt8(0)..<32).map { raw in
    let flags = MessageFlags(rawValue: raw)
    return Array(names.filter { flags.contains($0.flag) }.map(\.name).joined(separator: " ").utf8)
  }

  /// Writes `FLAGS (…)`.
  static func write(_ record: MessageRecord, keywords: [String], isRecent: Bool, to out: inout ResponseWriter) {
    out.text("FLAGS (")
    let system = sets[Int(record.flags.rawValue & 31)]
    out.raw(system)
    var needsSpace = !system.isEmpty
    if isRecent {
      out.text(needsSpace ? " \\Recent" : "\\Recent")
      needsSpace = true
    }
    if record.keywords != 0 {
      for (bit, name) in keywords.enumerated()
      where bit < 64 && !name.isEmpty && record.keywords & (1 << UInt64(bit)) != 0 {
        if needsSpace { out.space() }
        out.raw(name)
        needsSpace = true
      }
    }
    out.octet(UInt8(ascii: ")"))
  }

  /// The house's flags for those a client named.
  static func flags(_ argument: FlagArgument) -> MessageFlags {
    var result: MessageFlags = []
    for flag in argument.system {
      switch flag {
      case .answered: result.insert(.answered)
      case .flagged: result.insert(.flagged)
      case .deleted: result.insert(.deleted)
      case .seen: result.insert(.seen)
      case .draft: result.insert(.draft)
      }
    }
    return result
  }
}

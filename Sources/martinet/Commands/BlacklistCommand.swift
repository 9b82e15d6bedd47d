import ArgumentParser
import Basics
import MartinetServer
import RelayAccess

/// `martinet blacklist`: the networks whose SMTP connections get no answer.
struct BlacklistCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blacklist", abstract: "Show, explain, add and lift blacklisted networks.",
    discussion: "A blacklisted network's SMTP connections get no answer; its POP and IMAP work on.",
    subcommands: [List.self, Explain.self, Add.self, Lift.self, Export.self])

  /// `martinet blacklist list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List blacklisted networks.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let entries = try await context.rooms().relay.blacklist()
      let now = SystemTime().now
      var table = Table("NET", "SINCE", "EXPIRES-IN", "CAUSE", "LEVEL", "COUNTERS", "REASON")
      for entry in entries {
        table.add(
          entry.net.description, entry.created.rfc3339,
          entry.expires.map { TimeText.remaining(until: $0, now: now) } ?? "until lifted", entry.cause.rawValue,
          "\(entry.level)", entry.counters.isEmpty ? "-" : entry.counters, entry.reason)
      }
      return CommandResult(.array(entries.map { JSONValue($0) }), text: table.text)
    }
  }

  /// `martinet blacklist explain`.
  struct Explain: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Say all that is known about an address: entry, counters, exemptions, history.")
    @Argument(help: "The client's address.") var ip: ClientAddress
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let told = try await context.rooms().relay.explainBlacklist(ip.value)
      let counters = told.counters.sorted { $0.key < $1.key }
      let data: JSONValue = [
        "ip": .string(ip.value.description), "net": .string(told.net.description),
        "blacklisted": .bool(told.entry != nil), "entry": told.entry.map { JSONValue($0) } ?? .null,
        "limited": .bool(told.isLimited),
        "exemption": told.exemption.map {
          ["net": .string($0.net.description), "until": .string($0.until.rfc3339), "note": .string($0.note)]
        } ?? .null,
        "counters": .object(counters.map { ($0.key, JSONValue($0.value)) }),
        "offences": JSONValue(told.offences), "next_term": JSONValue(told.nextTerm?.setting),
        "leases_paused_until": JSONValue(told.leasesPausedUntil?.rfc3339),
        "history": .array(
          told.history.map { ended in
            .object(Self.members(ended.entry) + [("ended", .string(ended.ended.rfc3339)), ("how", .string(ended.how))])
          }),
      ]
      return CommandResult(data, text: Self.lines(told, counters).joined(separator: "\n"))
    }

    fileprivate static func members(_ entry: BlacklistEntry) -> [(String, JSONValue)] {
      if case .object(let members) = JSONValue(entry) { return members }
      return []
    }

    private static func lines(
      _ told: BlacklistExplanation, _ counters: [(key: String, value: Int)]
    ) -> [String] {
      var lines: [String] = []
      if let entry = told.entry {
        lines.append("\(told.net) is blacklisted by \(entry.net) since \(entry.created.rfc3339)")
        lines.append("until:     \(entry.expires?.rfc3339 ?? "lifted")")
        lines.append("cause:     \(entry.cause.rawValue): \(entry.reason)")
        if !entry.counters.isEmpty { lines.append("counters:  \(entry.counters)") }
      } else {
        lines.append("\(told.net) is not blacklisted")
      }
      if !told.isLimited { lines.append("limits:    none: loopback, private or exempt") }
      if let exemption = told.exemption {
        lines.append("exempt:    until \(exemption.until.rfc3339) \(exemption.note)")
      }
      let now = counters.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
      lines.append("now:       \(now.isEmpty ? "nothing counted" : now)")
      if let paused = told.leasesPausedUntil { lines.append("leases:    paused until \(paused.rfc3339)") }
      lines.append("next term: \(told.nextTerm?.setting ?? "until lifted") (after \(told.offences) earlier)")
      for ended in told.history {
        lines.append(
          "earlier:   \(ended.entry.created.rfc3339) to \(ended.ended.rfc3339), \(ended.how): \(ended.entry.reason)")
      }
      return lines
    }
  }

  /// `martinet blacklist add`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Blacklist a network.")
    @Argument(help: "An address or network.") var ip: ClientNetwork
    @Option(help: ArgumentHelp("How long; until lifted when left out.", valueName: "duration"))
    var ttl: DurationArgument?
    @Option(help: ArgumentHelp("Why.", valueName: "text")) var reason: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let entry = try await context.rooms().relay.addToBlacklist(ip.value, ttl: ttl?.value, reason: reason)
      try await context.poke()
      return CommandResult(
        JSONValue(entry), text: "blacklisted \(entry.net) until \(entry.expires?.rfc3339 ?? "lifted")")
    }
  }

  /// `martinet blacklist lift`.
  struct Lift: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Take a network off the list, or let a stopped account send again, at once.")
    @Argument(help: "The address or network, or user@domain where accounts are stopped (overrun-target).")
    var target: LiftTarget
    @Flag(help: "Forget its rates, strikes and earlier terms too.") var resetCounters = false
    @Option(help: ArgumentHelp("Never blacklist it for this long.", valueName: "duration"))
    var exempt: DurationArgument?
    @Option(help: ArgumentHelp("A note with the exemption.", valueName: "text")) var note = ""
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let who = LocalUser.current.name
      switch target {
      case .account(let login):
        let account = try await rooms.accounts.account(login: login.key)
        try await rooms.relay.liftSendingStop(of: account, by: who)
        return CommandResult(["account": .string(account.key)], text: "\(account.key) may send again")
      case .network(let net):
        try await rooms.relay.lift(
          net, by: who, resetCounters: resetCounters, exemptFor: exempt?.value, note: note)
        try await context.poke()
        return CommandResult(
          ["net": .string(net.description), "counters_reset": .bool(resetCounters)], text: "lifted \(net)")
      }
    }
  }

  /// `martinet blacklist export`.
  struct Export: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Print the list for a firewall.",
      discussion: "With \"silence: export\" the server keeps the same text in a file (limits.export-file).")
    @Option(help: "nft prints a table for nft -f, ipset sets for ipset restore.")
    var format = FirewallFormat(.nft)
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let rooms = try await context.rooms()
      let list = try await rooms.relay.firewallList(format.value, ports: rooms.configuration.smtpPorts)
      let text = list?.text ?? ""
      return CommandResult(["format": .string(format.value.rawValue), "text": .string(text)], text: text)
    }
  }
}

extension JSONValue {
  /// A blacklisting as `blacklist list --json` shows it.
  init(_ entry: BlacklistEntry) {
    self = [
      "net": .string(entry.net.description), "created": .string(entry.created.rfc3339),
      "expires": JSONValue(entry.expires?.rfc3339), "cause": .string(entry.cause.rawValue),
      "reason": .string(entry.reason), "level": JSONValue(entry.level), "counters": .string(entry.counters),
      "node": .string(entry.node),
    ]
  }
}

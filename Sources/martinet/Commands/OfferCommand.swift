import Accounts
import ArgumentParser
import Basics
import MartinetServer

/// `martinet offer`: plans of 25 MB to 2 GB that domains and accounts have (R52).
struct OfferCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "offer", abstract: "Add, list, change and remove offers.",
    subcommands: [Add.self, List.self, Set.self, Remove.self])

  /// `martinet offer add`.
  struct Add: HostCommand {
    static let configuration = CommandConfiguration(abstract: "Add an offer.")
    @Argument(help: "Its name.") var name: String
    @Option(help: ArgumentHelp("What a mailbox may hold, 25M to 2G.", valueName: "size")) var quota: SizeValue
    @Option(
      help: ArgumentHelp("The most an account of it may be given; the quota itself if not said.", valueName: "size"))
    var maxQuota: SizeValue?
    @Option(help: ArgumentHelp("How many messages a mailbox may hold.", valueName: "number")) var messages: Int?
    @Option(help: ArgumentHelp("Services it does not have: pop,imap,smtp,open-smtp.", valueName: "services"))
    var deny: ServiceList?
    @Option(help: ArgumentHelp("Least time between two POP logins, 0s to 300s.", valueName: "duration"))
    var popLoginDelay: DelayValue?
    @Option(help: ArgumentHelp("How many messages an account may send in any hour.", valueName: "number"))
    var messagesPerHour: Int?
    @Option(help: "A note.") var comment = ""
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let offer = Offer(
        name: name, quota: quota.bytes, largestQuota: maxQuota?.bytes, messages: messages, denied: deny?.services ?? [],
        popLoginDelay: popLoginDelay?.duration, messagesPerHour: messagesPerHour, comment: comment)
      let made = try await context.rooms().accounts.addOffer(offer)
      return CommandResult(JSONValue(made), text: OfferCommand.table([made]))
    }
  }

  /// `martinet offer list`.
  struct List: HostCommand {
    static let configuration = CommandConfiguration(abstract: "List all offers.")
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let offers = try await context.rooms().accounts.offers()
      return CommandResult(.array(offers.map { JSONValue($0) }), text: OfferCommand.table(offers))
    }
  }

  /// `martinet offer set`.
  struct Set: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Change an offer; its accounts follow at once.")
    @Argument(help: "Its name.") var name: String
    @Option(help: ArgumentHelp("What a mailbox may hold, 25M to 2G.", valueName: "size")) var quota: SizeValue?
    @Option(help: ArgumentHelp("The most an account of it may be given.", valueName: "size")) var maxQuota: SizeValue?
    @Option(help: ArgumentHelp("How many messages a mailbox may hold, or none.", valueName: "number"))
    var messages: LimitValue?
    @OptionGroup var flags: ServiceFlags
    @Option(help: ArgumentHelp("Least time between two POP logins, 0s to 300s, or none.", valueName: "duration"))
    var popLoginDelay: DelayValue?
    @Option(help: ArgumentHelp("How many messages an account may send in any hour, or none.", valueName: "number"))
    var messagesPerHour: LimitValue?
    @Option(help: "A note.") var comment: String?
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      let accounts = try await context.rooms().accounts
      var offer = try await accounts.offer(name).offer
      let followed = offer.largestQuota == offer.quota
      if let quota {
        offer.quota = quota.bytes
        // A largest quota that was never said apart goes along.
        offer.largestQuota = followed ? quota.bytes : max(offer.largestQuota, quota.bytes)
      }
      if let maxQuota { offer.largestQuota = maxQuota.bytes }
      if let messages { offer.messages = messages.value.map { Int(clamping: $0) } }
      offer.denied = offer.denied.union(flags.denied).subtracting(flags.allowed)
      if let popLoginDelay { offer.popLoginDelay = popLoginDelay.duration }
      if let messagesPerHour { offer.messagesPerHour = messagesPerHour.value.map { Int(clamping: $0) } }
      if let comment { offer.comment = comment }
      let changed = try await accounts.setOffer(offer)
      try await context.poke()
      return CommandResult(JSONValue(changed), text: OfferCommand.table([changed]))
    }
  }

  /// `martinet offer rm`.
  struct Remove: HostCommand {
    static let configuration = CommandConfiguration(
      commandName: "rm", abstract: "Remove an offer that no domain and no account has.")
    @Argument(help: "Its name.") var name: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      try await context.rooms().accounts.removeOffer(name)
      return CommandResult(["name": .string(name)], text: "removed \(name)")
    }
  }

  private static func table(_ offers: [OfferInfo]) -> String {
    var table = Table(
      "OFFER", "QUOTA", "MAX", "MESSAGES", "DENIED", "POP DELAY", "PER HOUR", "DOMAINS", "ACCOUNTS", "COMMENT")
    for info in offers {
      let offer = info.offer
      table.add(
        offer.name, "\(ByteSize(offer.quota))", "\(ByteSize(offer.largestQuota))",
        offer.messages.map(String.init) ?? "-", Words.services(offer.denied), offer.popLoginDelay?.setting ?? "-",
        offer.messagesPerHour.map(String.init) ?? "-",
        "\(info.domainCount)", "\(info.accountCount)", offer.comment)
    }
    return table.text
  }
}

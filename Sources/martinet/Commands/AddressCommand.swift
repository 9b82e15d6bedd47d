import Accounts
import ArgumentParser
import MailSyntax
import MartinetServer

#if canImport(Glibc)
  import Glibc
#endif

/// `martinet address`: questions about one address.
struct AddressCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "address", abstract: "Ask why mail for an address goes where it goes.", subcommands: [Explain.self])

  /// `martinet address explain`: the four checks of the FAQ, in its order (R46).
  struct Explain: HostCommand {
    static let configuration = CommandConfiguration(
      abstract: "Walk the four checks: catch-all, account, directory, alias.",
      discussion: "Exit code 0 when mail for the address is taken, 1 when it is refused.")
    @Argument(help: "The address.") var address: String
    @OptionGroup var common: CommonOptions

    func execute(_ context: CommandContext) async throws -> CommandResult {
      guard let parsed = (try? EmailAddress(address)) ?? (try? LoginName(address))?.address else {
        throw CommandFailure(.usage, "not an address: \(address)")
      }
      let rooms = try await context.rooms()
      let found = try await rooms.accounts.explain(parsed)
      let directory = found.account.map { rooms.mailAccount($0).directory }
      let hasDirectory = directory.map { access($0, F_OK) == 0 } ?? false
      let verdict = Self.verdict(found)
      let catchAll = found.catchAll.map { "\($0)" }
      let data: JSONValue = [
        "address": .string("\(parsed)"), "domain": JSONValue(found.domain?.ascii), "catchall": JSONValue(catchAll),
        "account": JSONValue(found.account?.key), "directory": JSONValue(hasDirectory ? directory : nil),
        "alias": JSONValue(found.alias?.address.key),
        "targets": JSONValue(found.alias?.targets.map(\.description) ?? []),
        "accepted": .bool(verdict.isAccepted), "verdict": .string(verdict.text),
      ]
      let made = hasDirectory ? "yes, \(directory ?? "")" : found.account == nil ? "no" : "not yet, made at first use"
      let targets = found.alias?.targets.map(\.description).joined(separator: ", ")
      let facts: [(String, String)] = [
        ("domain", Self.yes(found.domain?.ascii, else: "no, not hosted here")),
        ("1 catch-all", catchAll == "bounce" ? "no (bounce)" : Self.yes(catchAll)),
        ("2 account", Self.yes(found.account?.key)), ("3 directory", made),
        ("4 alias", Self.yes(targets.map { "leads to \($0)" })), ("verdict", verdict.text),
      ]
      return CommandResult(data, text: Words.facts(facts), status: verdict.isAccepted ? .done : .refused)
    }

    private static func yes(_ answer: String?, else no: String = "no") -> String {
      guard let answer else { return no }
      return "yes, \(answer)"
    }

    private static func verdict(_ found: AddressExplanation) -> (isAccepted: Bool, text: String) {
      switch found.outcome {
      case .notHosted: (false, "not a domain of this host; mail for it is relayed for those who may")
      case .mailbox(let account): (true, "delivered to \(account.key)")
      case .forward(let targets, _): (true, "goes to \(targets.map(\.description).joined(separator: ", "))")
      case .discard: (true, "taken and deleted by the catch-all")
      case .noMailbox: (false, "Sorry, no mailbox here by that name. vpopmail (#5.1.1)")
      case .suspended(let account): (false, "\(account.key) is locked (#5.2.1)")
      }
    }
  }
}

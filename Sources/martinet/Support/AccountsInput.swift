import Accounts
import ArgumentParser
import Basics

#if canImport(Glibc)
  import Glibc
#endif

/// A comma-separated list of services on the command line.
struct ServiceList: ExpressibleByArgument {
  /// The services named.
  let services: Set<MailService>

  init?(argument: String) {
    var services: Set<MailService> = []
    for part in argument.lowercased().split(separator: ",", omittingEmptySubsequences: false) {
      guard let service = MailService(rawValue: part == "pop3" ? "pop" : String(part)) else { return nil }
      services.insert(service)
    }
    self.services = services
  }
}

/// `on` or `off`.
enum Switch: String, ExpressibleByArgument, CaseIterable {
  case on, off
  /// As a truth value.
  var isOn: Bool { self == .on }
}

/// `25M`, `none` or `offer`.
struct QuotaValue: ExpressibleByArgument {
  /// What to set.
  let choice: QuotaChoice

  init?(argument: String) {
    switch argument.lowercased() {
    case "none", "noquota": choice = .unlimited
    case "offer": choice = .offer
    default:
      guard let size = ByteSize(argument), size.bytes > 0 else { return nil }
      choice = .bytes(size.bytes)
    }
  }
}

/// A size such as `25M`.
struct SizeValue: ExpressibleByArgument {
  /// In octets.
  let bytes: Int64

  init?(argument: String) {
    guard let size = ByteSize(argument), size.bytes > 0 else { return nil }
    bytes = size.bytes
  }
}

/// A bound of a domain: a number, a size, or `none`.
struct LimitValue: ExpressibleByArgument {
  /// The number, or `nil` for no bound.
  let value: Int64?

  init?(argument: String) {
    if argument.lowercased() == "none" {
      value = nil
      return
    }
    guard let size = ByteSize(argument) else { return nil }
    value = size.bytes
  }
}

/// A duration such as `60s`, or `none`.
struct DelayValue: ExpressibleByArgument {
  /// The duration, or `nil` for the configuration's own.
  let duration: Duration?

  init?(argument: String) {
    if argument.lowercased() == "none" {
      duration = nil
      return
    }
    guard let duration = Duration(setting: argument) else { return nil }
    self.duration = duration
  }
}

/// `--allow` and `--deny`.
struct ServiceFlags: ParsableArguments {
  @Option(help: ArgumentHelp("Services to allow: pop,imap,smtp,open-smtp.", valueName: "services"))
  var allow: ServiceList?

  @Option(help: ArgumentHelp("Services to deny: pop,imap,smtp,open-smtp.", valueName: "services"))
  var deny: ServiceList?

  func validate() throws {
    if let both = allow?.services.intersection(deny?.services ?? []).sorted().first {
      throw ValidationError("\(both.rawValue) cannot be both allowed and denied")
    }
  }

  /// What is allowed.
  var allowed: Set<MailService> { allow?.services ?? [] }
  /// What is denied.
  var denied: Set<MailService> { deny?.services ?? [] }
}

/// `--yes` before something is gone.
struct Confirmation: ParsableArguments {
  @Flag(help: "Do it without asking.")
  var yes = false

  /// Asks at a terminal; elsewhere `--yes` is required.
  ///
  /// - Throws: `CommandFailure` unless it is confirmed.
  func confirm(_ question: String) throws {
    if yes { return }
    guard isatty(STDIN_FILENO) == 1 else { throw CommandFailure(.usage, "\(question) Say so with --yes.") }
    Output.prompt("\(question) [y/N] ")
    guard let answer = readLine()?.lowercased(), answer == "y" || answer == "yes" else {
      throw CommandFailure(.refused, "nothing was done")
    }
  }
}

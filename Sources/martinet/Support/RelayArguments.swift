import ArgumentParser
import Basics
import MailSyntax
import RelayAccess

/// An IP address on the command line.
struct ClientAddress: ExpressibleByArgument {
  let value: IPAddress

  init?(argument: String) {
    guard let value = IPAddress(argument) else { return nil }
    self.value = value
  }
}

/// A network, or a single address, on the command line.
struct ClientNetwork: ExpressibleByArgument {
  let value: IPNetwork

  init?(argument: String) {
    guard let value = IPNetwork(argument) else { return nil }
    self.value = value
  }
}

/// A network, or the login of an account, on the command line.
enum LiftTarget: ExpressibleByArgument {
  case network(IPNetwork), account(LoginName)

  init?(argument: String) {
    if let network = IPNetwork(argument) {
      self = .network(network)
    } else if let login = try? LoginName(argument) {
      self = .account(login)
    } else {
      return nil
    }
  }
}

/// The form of a firewall's file on the command line.
struct FirewallFormat: ExpressibleByArgument {
  let value: FirewallForm

  init(_ value: FirewallForm) { self.value = value }

  init?(argument: String) {
    guard let value = FirewallForm(rawValue: argument) else { return nil }
    self.value = value
  }

  var defaultValueDescription: String { value.rawValue }
  static var allValueStrings: [String] { FirewallForm.allCases.map(\.rawValue) }
}

/// A duration such as `10m` on the command line.
struct DurationArgument: ExpressibleByArgument {
  let value: Duration

  init?(argument: String) {
    guard let value = Duration(setting: argument) else { return nil }
    self.value = value
  }
}

/// A lease's state on the command line.
struct LeaseState: ExpressibleByArgument {
  let value: Lease.State

  init?(argument: String) {
    guard let value = Lease.State(rawValue: argument) else { return nil }
    self.value = value
  }

  static var allValueStrings: [String] { Lease.State.allCases.map(\.rawValue) }
}

/// An export format on the command line.
struct ExportFormat: ExpressibleByArgument {
  let value: LeaseExport

  init?(argument: String) {
    guard let value = LeaseExport(rawValue: argument) else { return nil }
    self.value = value
  }

  static var allValueStrings: [String] { LeaseExport.allCases.map(\.rawValue) }
}

/// Addresses and names as options give them.
enum AddressArgument {
  /// A sender, `<user@domain>` included.
  static func address(_ text: String) throws -> EmailAddress {
    let bare = text.hasPrefix("<") && text.hasSuffix(">") ? String(text.dropFirst().dropLast()) : text
    do { return try EmailAddress(bare) } catch { throw CommandFailure(.usage, "\(text): \(error)") }
  }

  /// An account's address, from `user@domain` or `user%domain`.
  static func login(_ text: String) throws -> EmailAddress {
    do { return try LoginName(text).address } catch { throw CommandFailure(.usage, "\(text): \(error)") }
  }

  /// A domain.
  static func domain(_ text: String) throws -> MailDomain {
    do { return try MailDomain(text) } catch { throw CommandFailure(.usage, "\(text): \(error)") }
  }
}

/// Times as people read them.
enum TimeText {
  /// `37m`, `59s`; `-` when it is over.
  static func remaining(until end: Timestamp, now: Timestamp) -> String {
    let left = end - now
    guard left > .zero else { return "-" }
    let seconds = (left.wholeMilliseconds + 999) / 1000
    switch seconds {
    case ..<120: return "\(seconds)s"
    case ..<7200: return "\(seconds / 60)m"
    case ..<172_800: return "\(seconds / 3600)h"
    default: return "\(seconds / 86_400)d"
    }
  }
}

extension RelayAccessError: CommandFailureConvertible {
  var commandFailure: CommandFailure {
    switch code {
    case .refused: CommandFailure(.refused, text)
    case .usage: CommandFailure(.usage, text)
    case .notFound: CommandFailure(.notFound, text)
    case .overLimit: CommandFailure(.overLimit, text)
    case .tryLater: CommandFailure(.tryLater, text)
    }
  }
}

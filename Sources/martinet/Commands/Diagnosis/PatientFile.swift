import Basics
import Configuration
import Diagnosis
import MartinetServer
import RelayAccess

extension Patient {
  /// This host, as the doctor sees it.
  ///
  /// - Parameter addresses: the outgoing addresses; the public ones of the interfaces, or those of the host's name,
  ///   when none are given.
  static func make(
    _ rooms: HostRooms, addresses: [IPAddress], names: any Lookup, domains: [String]? = nil
  ) async throws -> Patient {
    let configuration = rooms.configuration
    var outgoing = addresses
    if outgoing.isEmpty {
      outgoing = HostAddresses.current().filter { !$0.isLoopback && !$0.isPrivate && !$0.isUnroutable }
        .sorted { "\($0)" < "\($1)" }
    }
    if outgoing.isEmpty {
      outgoing = await names.addresses(configuration.hostname).filter { !$0.isLoopback }
    }
    var hosted = domains ?? []
    if domains == nil { hosted = try await rooms.accounts.domains().map(\.name.ascii) }
    return Patient(
      hostname: configuration.hostname, domains: hosted, addresses: outgoing.map { "\($0)" },
      smarthost: configuration.queue.smarthost?.address.description,
      smarthostSPF: configuration.queue.smarthost?.preset.flatMap { $0.spf.isEmpty ? nil : $0.spf })
  }
}

/// Looks the host's own name up.
protocol Lookup: Sendable {
  /// The addresses of a name; empty when there are none.
  func addresses(_ name: String) async -> [IPAddress]
}

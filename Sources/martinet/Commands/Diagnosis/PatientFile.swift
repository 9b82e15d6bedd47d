import Basics
import Configuration
import Diagnosis
import MartinetServer

extension Patient {
  /// This host, as the doctor sees it.
  ///
  /// - Parameter addresses: the outgoing addresses; found by ``OutgoingAddresses`` when none are given.
  static func make(
    _ rooms: HostRooms, addresses: [IPAddress], names: any Lookup, domains: [String]? = nil
  ) async throws -> Patient {
    let configuration = rooms.configuration
    var outgoing = addresses
    if outgoing.isEmpty {
      outgoing = await OutgoingAddresses.find(configuration) { await names.addresses($0) }
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

import Basics
import Configuration
import RelayAccess

/// The addresses from which a host's mail reaches others.
package enum OutgoingAddresses {
  /// Those of the configuration, else the public ones of this machine, else those of the host's name.
  ///
  /// - Parameter lookup: the addresses of a name; none when it has none.
  package static func find(
    _ configuration: Configuration, lookup: (String) async -> [IPAddress]
  ) async -> [IPAddress] {
    let named = configuration.queue.sourceAddresses + configuration.queue.sending.values.flatMap(\.addresses)
    if !named.isEmpty { return Set(named).sorted { "\($0)" < "\($1)" } }
    let own = HostAddresses.current().filter { !$0.isLoopback && !$0.isPrivate && !$0.isUnroutable }
    if !own.isEmpty { return own.sorted { "\($0)" < "\($1)" } }
    return await lookup(configuration.hostname).filter { !$0.isLoopback && !$0.isPrivate }
  }
}

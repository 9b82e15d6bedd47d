import Accounts
import Basics
import GRDB
import Logging
import Synchronization

/// May this client relay, as whom, and how much: leases that POP and IMAP logins open (OPEN-SMTP), sender ownership,
/// the pause between POP logins, rates, and the blacklist.
///
/// Rights live in accounts.db beside the accounts, and each decision reads them there: what another process takes back
/// counts at once. Memory only holds what makes a standing lease newer, and the windows of the rates.
package final class RelayAccess: Sendable {
  /// Every number and switch, as last read from the configuration.
  package var settings: RelaySettings { current.withLock { $0 } }
  /// What was counted since the start.
  package let statistics = RelayStatistics()
  let database: HostDatabase
  let accounts: Accounts
  let time: any TimeSource
  let log: Logger
  let memory = LeaseMemory()
  let stamps: PopStamps
  let rates: RateCounters
  let outcomes = DestinationOutcomes()
  let offenders = Mutex<[IPNetwork: Set<Int64>]>([:])
  let blacklistCache = BlacklistCache()
  let silentSeats = SilentSeats()
  let network: Mutex<NetworkPolicy>
  let switchedOff = Mutex<String?>(nil)
  let observer = Observer<RelayNotice>()
  private let current: Mutex<RelaySettings>

  /// The tables this build knows: the room's name and the number of its steps, for an inspection.
  package static let schema = (room: RelaySchema.room, version: RelaySchema.steps.count)

  /// Brings the room's tables up to date and reads what a restart must not forget.
  ///
  /// - Throws: `HostDatabaseError`.
  package init(
    database: HostDatabase, accounts: Accounts, settings: RelaySettings, time: any TimeSource, log: Logger
  ) throws {
    self.database = database
    self.accounts = accounts
    current = Mutex(settings)
    self.time = time
    self.log = log
    stamps = PopStamps(capacity: settings.popThrottle.remembered)
    rates = RateCounters(capacity: settings.limits.remembered)
    var policy = NetworkPolicy(settings)
    policy.ownAddresses = HostAddresses.current()
    network = Mutex(policy)
    try database.migrate(RelaySchema.room, RelaySchema.steps)
    let saved = try database.pool.read { try RateRows.load($0) }
    rates.restore(saved, now: time.now, uptime: time.uptime)
  }

  /// Takes new settings (SIGHUP); what is open, counted or blacklisted stays.
  package func reload(_ settings: RelaySettings) {
    current.withLock { $0 = settings }
    network.withLock { old in
      var policy = NetworkPolicy(settings)
      policy.ownAddresses = old.ownAddresses
      policy.gateways = old.gateways
      old = policy
    }
  }

  /// Why OPEN-SMTP is off although the settings want it; `nil` when it is as they say.
  package var switchedOffBecause: String? { switchedOff.withLock { $0 } }

  /// Whether logins open leases at all now.
  package var isOpenSMTPOn: Bool { settings.openSMTP.enabled && switchedOffBecause == nil }

  /// Looks once, at start, whether a container's network hides who the clients are.
  ///
  /// The default gateways are then never recorded; should a login come from one of them, nobody can be told apart, and
  /// OPEN-SMTP goes off with a loud warning. Networks in `open-smtp.include-networks` are the administrator's own word.
  package func checkContainerGateway(_ found: ContainerGateway = .detect()) {
    guard found.inContainer, !found.gateways.isEmpty else { return }
    network.withLock { $0.gateways = found.gateways }
    let names = found.gateways.map(\.description).sorted().joined(separator: ", ")
    log.notice(
      "running in a container; logins that seem to come from its gateway open nothing", ["gateway": "\(names)"])
  }

  /// The policy in force.
  var policy: NetworkPolicy { network.withLock { $0 } }

  /// The network that stands for a client in every key.
  package func clientNetwork(_ peer: IPAddress) -> IPNetwork { policy.clientNetwork(peer) }

  func switchOff(because reason: String) {
    let isFirst = switchedOff.withLock { current in
      defer { current = current ?? reason }
      return current == nil
    }
    if isFirst {
      log.critical(
        "OPEN-SMTP IS OFF: \(reason). Every client would share one right to relay. See open-smtp.include-networks.")
    }
  }
}

extension Logger {
  /// A log line at `info` with its data, without the labels that every line of this room would repeat.
  func info(_ text: String, _ data: Logger.Metadata) { info("\(text)", metadata: data) }
  /// A log line at `notice` with its data.
  func notice(_ text: String, _ data: Logger.Metadata) { notice("\(text)", metadata: data) }
  /// A log line at `warning` with its data.
  func warning(_ text: String, _ data: Logger.Metadata) { warning("\(text)", metadata: data) }
}

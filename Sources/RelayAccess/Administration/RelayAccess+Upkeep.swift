import Basics
import GRDB
import Logging

extension RelayAccess {
  /// Keeps the room in order until cancelled: follows other processes' blacklistings within a second, writes refreshed
  /// leases and rates down, and sweeps.
  ///
  /// No right depends on it.
  package func run() async {
    var lastSave = time.uptime
    var lastSweep = time.uptime
    await sweep()
    while !Task.isCancelled {
      do { try await time.sleep(for: .seconds(1)) } catch { break }
      await attempt("read the blacklist") { _ = try await self.refreshBlacklist() }
      if time.uptime - lastSave >= settings.limits.saveInterval {
        lastSave = time.uptime
        await flush(minimumAge: settings.openSMTP.refreshCoalescing)
      }
      if time.uptime - lastSweep >= settings.openSMTP.sweepInterval {
        lastSweep = time.uptime
        await sweep()
      }
    }
    await flush()
  }

  /// Writes down what only memory knows: refreshed leases, their counts, and the rates.
  ///
  /// To be called at shutdown.
  ///
  /// - Parameter minimumAge: leases written more recently are left for later.
  package func flush(minimumAge: Duration = .zero) async {
    await flushOutcomes()
    let changes = memory.takeChanges(uptime: time.uptime, minimumAge: minimumAge)
    let saved = rates.takeChanges(now: time.now, uptime: time.uptime) { $0.window(settings) }
    guard !changes.isEmpty || !saved.isEmpty else { return }
    do {
      try await database.write { database in
        for change in changes { try LeaseRows.refresh(database, change) }
        try RateRows.save(database, saved)
      }
    } catch {
      memory.restore(changes)
      rates.restoreDirty(saved)
      log.warning("leases and rates could not be written", ["error": "\(error)"])
    }
  }

  /// Removes what ended long ago; also takes new addresses of this host into account.
  package func sweep() async {
    network.withLock { $0.ownAddresses = HostAddresses.current() }
    let now = time.now
    let lifetime = settings.openSMTP.lifetime
    memory.forgetEnded(uptime: time.uptime)
    stamps.forget(olderThan: settings.popThrottle.longestDelay, uptime: time.uptime)
    let open = settings.openSMTP
    let limits = settings.limits
    let longestDelay = settings.popThrottle.longestDelay
    let retention = settings.validation.recordRetention
    await attempt("sweep") {
      // Tombstones stay two lifetimes: a late message of another process must not bring a lease back.
      try await self.database.write { database in
        _ = try LeaseRows.sweep(
          database, before: now - lifetime * 2, historyBefore: now - open.traceRetention)
        try database.execute(sql: "DELETE FROM open_smtp_pause WHERE until <= ?", arguments: [now.milliseconds])
        try PopRows.sweep(database, before: now - longestDelay * 2)
        try BlacklistRows.sweep(database, now: now, historyBefore: now - limits.historyRetention)
        try RateRows.sweep(database, before: now - .seconds(2 * 3600))
        try ValidationRows.sweep(database, before: now - retention)
      }
    }
  }

  private func attempt(_ what: String, _ body: () async throws -> Void) async {
    do { try await body() } catch is CancellationError {} catch {
      log.warning("relay access could not \(what)", ["error": "\(error)"])
    }
  }
}

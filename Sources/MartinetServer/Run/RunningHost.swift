import Accounts
import Basics
import Configuration
import DNSResolver
import Delivery
import HelpPages
import IMAPServer
import Logging
import MailStore
import NIOPosix
import POP3Server
import RelayAccess
import SMTPClient
import SMTPServer
import ServiceLifecycle
import Synchronization
import UnixSignals
import Wire

#if canImport(Glibc)
  import Glibc
#endif

/// Every service of a serving host, wired to each other.
final class RunningHost: Sendable {
  let rooms: HostRooms
  let resolver: DNSResolver
  let delivery: Delivery
  let wire: WireServer
  let limiter: FailedLoginLimiter
  let certificates: TLSCertificates?
  let smtp: SMTPHost
  let queues: QueueStarter
  let pages: HelpPagesService
  let log: Logger
  let time: any TimeSource
  private let level: Logger.Level
  private let started: Timestamp
  let blacklistExport: Mutex<BlacklistExport?>
  let listings = Mutex<[Listing]>([])
  private let bound = Mutex<[BoundAddress]>([])

  init(rooms: HostRooms, time: any TimeSource, level: Logger.Level) throws {
    let configuration = rooms.configuration
    self.rooms = rooms
    self.time = time
    self.level = level
    started = time.now
    blacklistExport = Mutex(BlacklistExport(configuration, rooms.folder))
    log = Self.logger("martinet", level)
    if let files = HostCheck.certificates(of: configuration) {
      certificates = try TLSCertificates(files)
    } else {
      certificates = nil
    }
    wire = WireServer(
      settings: WireSettings(configuration), tls: certificates, time: time, log: Self.logger("wire", level))
    limiter = FailedLoginLimiter(settings: FailedLoginSettings(configuration), time: time)
    resolver = try DNSResolver(settings: ResolverSettings(configuration), log: Self.logger("dns", level))
    let mail = rooms.folder.mail
    delivery = Delivery(
      settings: try DeliverySettings(configuration, rooms.folder), directory: rooms.accounts, store: rooms.store,
      mailAccount: { HostRooms.mailAccount($0, mail: mail) }, queue: rooms.queue, resolver: resolver,
      transport: SMTPClient(
        group: MultiThreadedEventLoopGroup.singleton, files: .singleton, log: Self.logger("client", level)),
      journal: rooms.mailLog, time: time, log: Self.logger("delivery", level),
      onOutcome: { [relay = rooms.relay] in relay.noteDeliveries(to: $0, accepted: $1, failed: $2) })
    queues = QueueStarter(
      settings: ETRNSettings(configuration), queue: rooms.queue, resolver: resolver, time: time,
      log: Self.logger("etrn", level))
    smtp = SMTPHost(
      settings: SMTPServerSettings(configuration, rooms.folder), acceptor: delivery,
      rights: HostRights(accounts: rooms.accounts, relay: rooms.relay, log: Self.logger("smtp", level)),
      resolver: resolver, queues: queues, limiter: limiter, files: .singleton,
      journal: rooms.mailLog, time: time)
    pages = HelpPagesService(
      settings: HelpPagesSettings(configuration), time: time, desk: .host(rooms, limiter: limiter)
    ) { [accounts = rooms.accounts] domain in
      try await accounts.isHosted(domain)
    }
    followNotices()
  }

  /// The protocol behind a listener.
  private func handler(for service: ListenerService) -> any ConnectionHandler {
    let mail = rooms.folder.mail
    let mailAccount: @Sendable (Account) -> MailAccount = { HostRooms.mailAccount($0, mail: mail) }
    switch service {
    case .pop3, .pop3s:
      return POP3Service(
        accounts: rooms.accounts, relay: rooms.relay, store: rooms.store, limiter: limiter,
        settings: POP3Settings(rooms.configuration), time: time, mailAccount: mailAccount)
    case .imap, .imaps:
      return IMAPService(
        accounts: rooms.accounts, relay: rooms.relay, store: rooms.store,
        settings: IMAPSettings(rooms.configuration, rooms.folder), limiter: limiter, time: time,
        mailAccount: mailAccount)
    case .smtp: return SMTPService(role: .smtp, host: smtp)
    case .smtpAlt: return SMTPService(role: .smtpAlt, host: smtp)
    case .submission: return SMTPService(role: .submission, host: smtp)
    case .submissions: return SMTPService(role: .submissions, host: smtp)
    case .lmtp: return SMTPService(role: .lmtp, host: smtp)
    case .http, .https: return pages
    }
  }

  static func logger(_ label: String, _ level: Logger.Level) -> Logger {
    Logger(label: label) { LineLogHandler(label: $0, level: level) }
  }

  /// The parts that run until the server stops; they end in the reverse order, so listeners go first.
  var services: [any Service] {
    [
      HostService(name: "accounts") { [rooms] in await cancelWhenGracefulShutdown { await rooms.accounts.run() } },
      HostService(name: "relay") { [rooms] in await cancelWhenGracefulShutdown { await rooms.relay.run() } },
      HostService(name: "validation") { [rooms, resolver] in
        await cancelWhenGracefulShutdown { await rooms.relay.runValidation(resolver: resolver) }
      },
      HostService(name: "log") { [rooms] in await cancelWhenGracefulShutdown { await rooms.mailLog.run() } },
      HostService(name: "load") { await self.sampleLoad() },
      HostService(name: "changes") { await self.followChanges() },
      HostService(name: "blacklist") { await self.followBlacklist() },
      HostService(name: "listings") { await self.watchListings() },
      HostService(name: "firewall") { await self.exportBlacklist() },
      HostService(name: "queue") { [delivery] in
        await withGracefulShutdownHandler {
          await delivery.run()
        } onGracefulShutdown: {
          Task { await delivery.stop() }
        }
      },
      HostService(name: "drop") { await self.pickUpDrops() },
      HostService(name: "sweep") { await self.sweepMailboxes() },
      HostService(name: "memory") { await self.giveMemoryBack() },
      HostService(name: "reload") { await self.followHangups() },
      HostService(name: "listeners") { [wire] in
        try? await gracefulShutdown()
        await wire.drain(within: MartinetServer.drainTime)
      },
    ]
  }

  /// Ends the sessions of accounts whose password changed, or that were suspended, deleted or denied a service.
  private func followChanges() async {
    await cancelWhenGracefulShutdown {
      // The stream ends when its reader falls far behind; a new one goes on from there.
      while !Task.isCancelled {
        for await change in self.rooms.accounts.accountChanges() where change.what.endsSessions {
          self.endSessions(of: change)
        }
      }
    }
  }

  /// At start and daily: old files in `tmp/`, and expunged mail whose time is over.
  private func sweepMailboxes() async {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do {
          for domain in try await self.rooms.accounts.domains() {
            let accounts = try await self.rooms.accounts.accounts(domain: domain.name.ascii)
            try await self.rooms.store.sweep(accounts: accounts.map { self.rooms.mailAccount($0) })
          }
        } catch {
          self.log.warning("mailboxes were not swept", metadata: ["error": "\(error)"])
        }
        try? await self.time.sleep(for: .seconds(86_400))
      }
    }
  }

  private func endSessions(of change: AccountChange) {
    let ended = wire.endSessions(account: change.accountID, reason: "account changed: \(change.what.rawValue)")
    if ended > 0 {
      log.info("sessions ended", metadata: ["account": "\(change.accountID)", "sessions": "\(ended)"])
    }
  }

  /// Ends the SMTP sessions of networks that were blacklisted while they had some open.
  private func followBlacklist() async {
    let listeners: Set<String> = ["smtp", "smtp-alt", "submission", "submissions"]
    await cancelWhenGracefulShutdown {
      for await network in self.rooms.relay.newlyBlacklisted() {
        self.wire.endSessions(network: network, listeners: listeners, reason: "blacklisted")
        await self.notify(of: network, at: self.time.now)
      }
    }
  }

  private func followHangups() async {
    await cancelWhenGracefulShutdown {
      for await _ in await UnixSignalsSequence(trapping: .sighup) {
        if let fault = self.reload() {
          self.log.error("reload failed, nothing changed", metadata: ["fault": "\(fault)"])
        }
      }
    }
  }

  /// Reads the configuration anew and takes over limits and certificates.
  ///
  /// - Returns: what is wrong, or `nil` when it was taken over.
  func reload() -> String? {
    do {
      let fresh = try Configuration.read(rooms.configuration.file)
      let outbound = try DeliverySettings(fresh, rooms.folder)
      if let certificates, let files = HostCheck.certificates(of: fresh) { try certificates.reload(files) }
      wire.update(WireSettings(fresh))
      limiter.update(FailedLoginSettings(fresh))
      rooms.relay.reload(RelaySettings(fresh))
      blacklistExport.withLock { $0 = BlacklistExport(fresh, rooms.folder) }
      smtp.update(SMTPServerSettings(fresh, rooms.folder))
      queues.update(ETRNSettings(fresh))
      pages.update(HelpPagesSettings(fresh))
      rooms.queue.update(lifetime: fresh.queue.lifetime)
      delivery.update(outbound)
      log.notice("configuration and certificates reloaded")
      return nil
    } catch {
      return "\(error)".split(separator: "\n").joined(separator: "; ")
    }
  }

  /// Binds every listener of the configuration.
  func listen() async throws {
    rooms.relay.checkContainerGateway()
    try await smtp.prepare()
    for listener in rooms.configuration.listeners {
      let spec = ListenerSpec(
        name: listener.service.rawValue, addresses: listener.addresses.map { ($0.host, $0.port) },
        implicitTLS: listener.service.implicitTLS, proxyNetworks: rooms.configuration.proxyNetworks,
        expectsLogin: [.pop3, .pop3s, .imap, .imaps].contains(listener.service))
      let addresses = try await wire.listen(spec, handler: handler(for: listener.service))
      bound.withLock { $0 += addresses }
    }
    let mailPorts: Set<String> = ["smtp", "smtp-alt", "lmtp"]
    delivery.setListeningAddresses(
      bound.withLock { $0 }.filter { mailPorts.contains($0.listener) }.map {
        ListeningAddress($0.address, port: $0.port)
      })
  }

  /// Answers the command line.
  func answer(_ request: String) async -> [[String]] {
    switch request {
    case "status": return await status()
    case "poke":
      rooms.accounts.poke()
      rooms.queue.poke()
      return [["ok"]]
    case "write-log":
      await rooms.mailLog.flush()
      return [["ok"]]
    case "reload":
      if let fault = reload() { return [["error", fault]] }
      return [["ok"]]
    default: return [["error", "unknown request"]]
    }
  }

  private func status() async -> [[String]] {
    let counts = wire.counts
    var rows = [
      ["pid", "\(getpid())"], ["since", started.rfc3339], ["hostname", rooms.configuration.hostname],
      ["sessions", "\(counts.open.values.reduce(0, +))"],
    ]
    if let counts = try? await rooms.queue.counts() { rows.append(["queued", "\(counts.messages)"]) }
    rows += listings.withLock { $0 }.map { ["listing", $0.address, $0.zone, $0.state, $0.at.rfc3339] }
    for address in bound.withLock({ $0 }) {
      rows.append([
        "listener", address.listener, address.address.description, "\(address.port)",
        "\(counts.open[address.listener] ?? 0)",
      ])
    }
    return rows
  }

  /// Closes the stores once no session and no delivery is left.
  func close() async {
    await rooms.store.close()
    await rooms.mailLog.close()
    do {
      try rooms.queue.close()
      try rooms.database.close()
    } catch {
      log.warning("a database was not closed", metadata: ["error": "\(error)"])
    }
  }
}

/// Runs work that is cancelled when the server is asked to stop.
func cancelWhenGracefulShutdown(_ work: @escaping @Sendable () async -> Void) async {
  await ServiceLifecycle.cancelWhenGracefulShutdown { await work() }
}

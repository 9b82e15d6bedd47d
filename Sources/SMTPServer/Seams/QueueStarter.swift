import Basics
import DNSResolver
import Logging
import MailQueue
import MailSyntax
import Synchronization

/// Who may start which domain's queue by ETRN.
package struct ETRNSettings: Sendable, Equatable {
  /// Domains in lower-case A-labels, `@domain` with all below it, each with the networks that may ask for it.
  ///
  /// No network at all stands for the addresses of the domain's own mail exchangers: what RFC 1985 section 6 calls
  /// security by DNS.
  package var nodes: [String: [IPNetwork]] = [:]
  /// Within this time of a start, a node's queue is not started again.
  package var interval: Duration = .seconds(60)
  /// Nodes whose last start is remembered.
  package var remembered = 10_000

  /// Nobody may.
  package init() {}
}

/// Starts the host's own queue for the domains on a list.
package final class QueueStarter: RemoteQueueStarter {
  private let queue: MailQueue
  private let resolver: any Resolving
  private let time: any TimeSource
  private let log: Logger
  private let current: Mutex<ETRNSettings>
  private let starts = Mutex<[ETRNNode: Duration]>([:])

  /// Puts the queue behind the seam.
  package init(
    settings: ETRNSettings, queue: MailQueue, resolver: any Resolving, time: any TimeSource, log: Logger
  ) {
    current = Mutex(settings)
    self.queue = queue
    self.resolver = resolver
    self.time = time
    self.log = log
  }

  /// Takes a new list (SIGHUP).
  package func update(_ settings: ETRNSettings) { current.withLock { $0 = settings } }

  /// Decides and starts, by `RemoteQueueStarter`.
  package func start(_ node: ETRNNode, peer: IPAddress, sender: Sender?) async -> ETRNOutcome {
    let settings = current.withLock { $0 }
    let domain: MailDomain
    var subdomains = false
    switch node {
    case .domain(let name): domain = name
    case .subdomains(let name): (domain, subdomains) = (name, true)
    case .queue: return .notAllowed("this server has no queues by name")
    }
    guard let networks = Self.entry(for: domain, subdomains: subdomains, in: settings) else {
      return .notAllowed("not on this server's list")
    }
    do {
      guard try await isEntitled(peer, networks, domain) else {
        return .notAllowed("not from your address [\(peer)]")
      }
      // The run that was started a moment ago has seen whatever waits.
      guard isTime(for: node, settings) else { return .started }
      let found = try await queue.start(destination: domain.ascii, subdomains: subdomains)
      log.notice(
        "queue started by ETRN",
        metadata: ["node": "\(node)", "peer": "\(peer)", "messages": "\(found.started + found.underWay)"])
      if found.started > 0 { return .pending(found.started + found.underWay) }
      return found.underWay > 0 ? .pendingStarted : .nothingWaiting
    } catch {
      starts.withLock { $0[node] = nil }
      log.error("ETRN failed", metadata: ["node": "\(node)", "error": "\(error)"])
      return .unable
    }
  }

  /// The networks of the entry that covers a node: its own, or `@` entries of the domain and those above it.
  static func entry(for domain: MailDomain, subdomains: Bool, in settings: ETRNSettings) -> [IPNetwork]? {
    if !subdomains, let networks = settings.nodes[domain.ascii] { return networks }
    var name = Substring(domain.ascii)
    while true {
      if let networks = settings.nodes["@\(name)"] { return networks }
      guard let dot = name.firstIndex(of: ".") else { return nil }
      name = name[name.index(after: dot)...]
    }
  }

  private func isEntitled(_ peer: IPAddress, _ networks: [IPNetwork], _ domain: MailDomain) async throws -> Bool {
    guard networks.isEmpty else { return networks.contains { $0.contains(peer) } }
    do {
      for exchanger in try await resolver.mx(domain.ascii).records.prefix(16) where !exchanger.host.isEmpty {
        if try await resolver.addresses(exchanger.host).records.contains(peer) { return true }
      }
      return false
    } catch let failure as DNSFailure where !failure.isTemporary {
      return false
    }
  }

  /// Whether a node's queue was not started within the interval; notes the start.
  private func isTime(for node: ETRNNode, _ settings: ETRNSettings) -> Bool {
    let now = time.uptime
    return starts.withLock { starts in
      if let last = starts[node], now - last < settings.interval { return false }
      if starts.count >= settings.remembered { starts = starts.filter { now - $0.value < settings.interval } }
      if starts.count < settings.remembered { starts[node] = now }
      return true
    }
  }
}

import Basics
import Synchronization

/// The open connections and their limits: in all, by address (/32, /64), and of those that have not logged in.
final class SessionTable: Sendable {
  private struct Use {
    var open = 0
    var pending = 0
  }
  private struct State {
    var sessions: [UInt64: SessionEntry] = [:]
    var networks: [IPNetwork: Use] = [:]
    var pending = 0
    var isDraining = false
    var counts = WireCounts()
    var idle: CheckedContinuation<Void, Never>?
  }
  private let state = Mutex(State())
  private let current: Mutex<WireSettings>
  private let descriptors: Int

  /// - Parameter descriptors: how many files the process may have open; connections take three quarters at most.
  init(settings: WireSettings, descriptors: Int) {
    current = Mutex(settings)
    self.descriptors = descriptors
  }

  /// Takes over other limits.
  func update(_ settings: WireSettings) { current.withLock { $0 = settings } }

  private var settings: WireSettings { current.withLock { $0 } }

  /// Enters a new connection; it has to `leave` whatever this says.
  func enter(_ entry: SessionEntry) -> ConnectionRefusal? {
    let total = max(1, min(settings.connections, descriptors / 4 * 3))
    return state.withLock { state in
      state.sessions[entry.number] = entry
      state.counts.accepted += 1
      state.counts.open[entry.listener, default: 0] += 1
      if state.isDraining { return .shuttingDown }
      return state.sessions.count > total ? .tooManyInAll : nil
    }
  }

  /// Counts an entered connection for its address.
  func admit(_ entry: SessionEntry, peer: IPAddress, expectsLogin: Bool) -> ConnectionRefusal? {
    entry.state.withLock { $0.peer = peer }
    let settings = self.settings
    if settings.exemptNetworks.contains(where: { $0.contains(peer) }) { return nil }
    let network = peer.clientNetwork()
    let refusal: ConnectionRefusal? = state.withLock { state in
      var use = state.networks[network] ?? Use()
      if use.open >= settings.connectionsPerAddress { return .tooManyFromAddress }
      if expectsLogin {
        if use.pending >= settings.pendingPerAddress { return .tooManyPendingFromAddress }
        if state.pending >= settings.pendingConnections { return .tooManyInAll }
        use.pending += 1
        state.pending += 1
      }
      use.open += 1
      state.networks[network] = use
      return nil
    }
    if refusal == nil {
      entry.state.withLock { entry in
        entry.network = network
        entry.isPending = expectsLogin
      }
    }
    return refusal
  }

  /// The connection has logged in.
  func loggedIn(_ entry: SessionEntry) {
    let network = entry.state.withLock { entry -> IPNetwork? in
      defer { entry.isPending = false }
      return entry.isPending ? entry.network : nil
    }
    guard let network else { return }
    state.withLock { state in
      state.pending -= 1
      state.networks[network]?.pending -= 1
    }
  }

  /// The connection is gone.
  func leave(_ entry: SessionEntry) {
    loggedIn(entry)
    let network = entry.state.withLock { $0.network }
    let idle = state.withLock { state -> CheckedContinuation<Void, Never>? in
      guard state.sessions.removeValue(forKey: entry.number) != nil else { return nil }
      let open = (state.counts.open[entry.listener] ?? 1) - 1
      state.counts.open[entry.listener] = open > 0 ? open : nil
      if let network, var use = state.networks[network] {
        use.open -= 1
        state.networks[network] = use.open > 0 ? use : nil
      }
      guard state.sessions.isEmpty else { return nil }
      defer { state.idle = nil }
      return state.idle
    }
    idle?.resume()
  }

  /// Refuses new connections from now on.
  func beginDraining() { state.withLock { $0.isDraining = true } }

  /// Comes back when no connection is open; one caller at a time.
  func waitUntilEmpty() async {
    await withCheckedContinuation { continuation in
      let now = state.withLock { state in
        if state.sessions.isEmpty || state.idle != nil { return true }
        state.idle = continuation
        return false
      }
      if now { continuation.resume() }
    }
  }

  /// The open sessions.
  var all: [SessionEntry] { state.withLock { Array($0.sessions.values) } }
  /// The counts.
  var counts: WireCounts { state.withLock { $0.counts } }
  /// Changes the counts.
  func count(_ body: @Sendable (inout WireCounts) -> Void) { state.withLock { body(&$0.counts) } }
}

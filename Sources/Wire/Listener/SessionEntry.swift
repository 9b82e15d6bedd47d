import Basics
import NIOCore
import Synchronization

/// What the server knows of one connection, shared between its task and the server.
final class SessionEntry: Sendable {
  struct State {
    var peer: IPAddress
    var account: Int64?
    var isSecure = false
    var endReason: String?
    /// Where it is counted, once it was admitted.
    var network: IPNetwork?
    var isPending = false
  }

  let number: UInt64
  let id: String
  let listener: String
  let since: Timestamp
  let channel: any Channel
  let gate: NIOLoopBound<InputGate>
  let state: Mutex<State>
  private let ended = Atomic<Bool>(false)
  private let table: SessionTable

  init(
    number: UInt64, id: String, listener: String, since: Timestamp, peer: IPAddress, channel: any Channel,
    gate: NIOLoopBound<InputGate>, table: SessionTable
  ) {
    self.number = number
    self.id = id
    self.listener = listener
    self.since = since
    self.channel = channel
    self.gate = gate
    self.table = table
    state = Mutex(State(peer: peer))
  }

  /// Whether `end` was called; cheap enough for every line.
  var isEnded: Bool { ended.load(ordering: .relaxed) }
  /// Why.
  var endReason: String? { state.withLock { $0.endReason } }

  /// Ends the session at its next read.
  func end(_ reason: String) {
    state.withLock { $0.endReason = $0.endReason ?? reason }
    ended.store(true, ordering: .releasing)
    notify(.ended(reason: reason))
  }

  /// Tells the waiting session.
  func notify(_ error: ConnectionError) {
    let gate = self.gate
    channel.eventLoop.execute { gate.value.notify(error) }
  }

  func secured() { state.withLock { $0.isSecure = true } }

  func loggedIn(_ account: Int64) {
    state.withLock { $0.account = account }
    table.loggedIn(self)
  }

  func loggedOut() { state.withLock { $0.account = nil } }

  /// What `martinet status` shows.
  var info: SessionInfo {
    let state = self.state.withLock { $0 }
    return SessionInfo(
      id: id, listener: listener, peer: state.peer, since: since, account: state.account, tls: state.isSecure)
  }
}

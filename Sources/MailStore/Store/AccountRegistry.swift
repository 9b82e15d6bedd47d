import Synchronization

/// The accounts in use: one `AccountStore` per directory as long as anyone holds it, the recent ones held here.
final class AccountRegistry: Sendable {
  private struct Entry {
    weak var store: AccountStore?
    var held: AccountStore?
    var lastUse: UInt64
  }
  private struct State {
    var entries: [String: Entry] = [:]
    var lookups = 0
    var isTrimming = false
    var isClosed = false
  }
  private let state = Mutex(State())
  private let host: StoreHost
  /// Accounts held without being asked for.
  private static let most = 20_000

  init(host: StoreHost) { self.host = host }

  /// The account's store, made if need be.
  func account(_ directory: String) throws -> AccountStore {
    let (store, mustTrim) = try state.withLock { state -> (AccountStore, Bool) in
      guard !state.isClosed else { throw StoreError(.closed, "the store is closed") }
      let store = state.entries[directory]?.store ?? AccountStore(host: host, directory: directory)
      state.entries[directory] = Entry(store: store, held: store, lastUse: host.tick())
      state.lookups += 1
      // Between the poller's rounds only every so often: when everything is pinned, trimming does not help.
      return (store, state.lookups % 64 == 0)
    }
    if mustTrim { trimIfNeeded() }
    return store
  }

  /// Starts trimming in the background when a bound is passed.
  func trimIfNeeded() {
    guard isOverBudget || state.withLock({ $0.entries.count > Self.most }) else { return }
    let start = state.withLock { state in
      defer { state.isTrimming = true }
      return !state.isTrimming
    }
    if start { Task { await self.trim() } }
  }

  /// Every account that someone holds.
  func all() -> [AccountStore] { state.withLock { state in state.entries.values.compactMap(\.store) } }

  /// Lets nobody in any more; gives those that are in.
  func close() -> [AccountStore] {
    state.withLock { state in
      state.isClosed = true
      defer { state.entries = [:] }
      return state.entries.values.compactMap(\.store)
    }
  }

  /// Lets one account go.
  func forget(_ directory: String) { state.withLock { $0.entries[directory] = nil } }

  private var isOverBudget: Bool {
    host.openIndexes.load(ordering: .relaxed) > host.settings.openIndexes
      || host.viewBytes.load(ordering: .relaxed) > host.settings.viewCacheBytes
  }

  /// Closes least recently used indexes and views until they lie a tenth below their bounds.
  private func trim() async {
    let oldestFirst = state.withLock { state in
      state.entries = state.entries.filter { $0.value.store != nil }
      return state.entries.sorted { $0.value.lastUse < $1.value.lastUse }.compactMap(\.value.store)
    }
    let indexes = host.settings.openIndexes - host.settings.openIndexes / 10
    let bytes = host.settings.viewCacheBytes - host.settings.viewCacheBytes / 10
    for store in oldestFirst {
      let tooManyIndexes = host.openIndexes.load(ordering: .relaxed) > indexes
      let tooManyBytes = host.viewBytes.load(ordering: .relaxed) > bytes
      guard tooManyIndexes || tooManyBytes else { break }
      if tooManyBytes, store.memory.octets > 0 { await store.dropViews() }
      if tooManyIndexes, store.holdsIndex.load(ordering: .relaxed) { await store.closeIndex() }
    }
    state.withLock { state in
      if state.entries.count > Self.most {
        let excess = state.entries.sorted { $0.value.lastUse < $1.value.lastUse }.prefix(
          state.entries.count - Self.most)
        for (directory, entry) in excess where entry.held?.memory.octets == 0 {
          state.entries[directory]?.held = nil
        }
      }
      state.isTrimming = false
    }
  }
}

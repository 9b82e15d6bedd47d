import Basics
import Synchronization

/// The list as it was at one generation, searched by prefix.
struct BlacklistImage: Sendable {
  let generation: Int64
  let entries: [IPNetwork: BlacklistEntry]
  private let exempt: [IPNetwork: BlacklistExemption]
  private let prefixes: [[Int]]

  init(generation: Int64, entries: [BlacklistEntry], exemptions: [BlacklistExemption]) {
    self.generation = generation
    self.entries = Dictionary(entries.map { ($0.net, $0) }) { _, new in new }
    exempt = Dictionary(exemptions.map { ($0.net, $0) }) { _, new in new }
    let nets = entries.map(\.net) + exemptions.map(\.net)
    prefixes = [32, 128].map { width in
      Set(nets.filter { $0.address.bitWidth == width }.map(\.prefix)).sorted(by: >)
    }
  }

  /// The exemptions, ended ones too.
  var exemptions: [BlacklistExemption] { Array(exempt.values) }

  /// The entry that holds for an address, the narrowest network first; an exemption wins.
  func entry(_ address: IPAddress, now: Timestamp) -> BlacklistEntry? {
    var found: BlacklistEntry?
    for prefix in prefixes[address.bitWidth == 32 ? 0 : 1] {
      let net = IPNetwork(address, prefix: prefix)
      if let exemption = exempt[net], exemption.until > now { return nil }
      if found == nil, let entry = entries[net], entry.expires.map({ $0 > now }) ?? true { found = entry }
    }
    return found
  }

  /// Whether an exemption holds for an address.
  func isExempt(_ address: IPAddress, now: Timestamp) -> Bool {
    exempt.contains { $0.value.until > now && $0.key.contains(address) }
  }
}

/// The latest image, and those who want to hear of new entries.
final class BlacklistCache: Sendable {
  private struct State {
    var image = BlacklistImage(generation: -1, entries: [], exemptions: [])
    var listeners: [Int: AsyncStream<IPNetwork>.Continuation] = [:]
    var nextID = 0
  }
  private let state = Mutex(State())

  /// The image as last read.
  var image: BlacklistImage { state.withLock { $0.image } }

  /// Takes a newer image and tells the listeners what is new in it; the first image is not news.
  func take(_ image: BlacklistImage) {
    let (news, listeners) = state.withLock { state -> ([IPNetwork], [AsyncStream<IPNetwork>.Continuation]) in
      guard image.generation > state.image.generation else { return ([], []) }
      let isFirst = state.image.generation < 0
      let news = isFirst ? [] : image.entries.keys.filter { state.image.entries[$0] == nil }
      state.image = image
      return (news, news.isEmpty ? [] : Array(state.listeners.values))
    }
    for listener in listeners { for net in news { listener.yield(net) } }
  }

  /// A stream of networks as they are put on the list.
  func listen() -> AsyncStream<IPNetwork> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: IPNetwork.self, bufferingPolicy: .bufferingNewest(10_000))
    let id = state.withLock { state in
      state.nextID += 1
      state.listeners[state.nextID] = continuation
      return state.nextID
    }
    continuation.onTermination = { [weak self] _ in self?.forget(id) }
    return stream
  }

  private func forget(_ id: Int) { state.withLock { $0.listeners[id] = nil } }
}

import Basics
import MailQueue

/// The claims in memory by destination, and how many workers each destination may have.
///
/// Pure state: it says what to start, the runner starts it. A destination begins with few connections, gets more as
/// they succeed, and one at a time while it does not answer, so that dead hosts never take the places of live ones.
struct LaneTable {
  struct Lane {
    var normal: [QueueClaim] = []
    var list: [QueueClaim] = []
    var workers = 0
    var window: Int
    var isDead = false
    /// Recipients waiting here.
    var waiting = 0
  }

  private(set) var lanes: [String: Lane] = [:]
  /// Recipients waiting or being worked on.
  private(set) var load = 0
  private(set) var listLoad = 0
  /// Claims of class `list` that workers have.
  private(set) var listWorkers = 0
  private(set) var workers = 0
  private(set) var deadWorkers = 0
  var settings: DeliverySettings

  init(settings: DeliverySettings) { self.settings = settings }

  /// How many more recipients may be claimed.
  func room(_ mailClass: MailClass) -> Int {
    let free = settings.claimLimit - load
    switch mailClass {
    case .normal: return free
    case .list: return min(free, settings.claimLimit * settings.listShare / 100 - listLoad)
    }
  }

  /// Destinations that have enough waiting here; more of their mail would only fill memory.
  var saturated: Set<String> {
    let limit = max(1, settings.claimLimit / 10)
    return Set(lanes.filter { $0.value.waiting >= ($0.value.isDead ? 1 : limit) }.keys)
  }

  mutating func add(_ claim: QueueClaim, lane key: String) {
    var lane = lanes[key] ?? Lane(window: settings.initialConcurrency)
    let count = claim.message.recipients.count
    if claim.message.mailClass == .list {
      lane.list.append(claim)
      listLoad += count
    } else {
      lane.normal.append(claim)
    }
    lane.waiting += count
    load += count
    lanes[key] = lane
  }

  /// The claims that get a worker of their own now, with their destinations.
  mutating func start() -> [(key: String, claim: QueueClaim)] {
    var result: [(key: String, claim: QueueClaim)] = []
    for key in lanes.keys.shuffled() {
      while workers < settings.concurrency, var lane = lanes[key], lane.workers < lane.window,
        lane.workers < settings.destinationConcurrency
      {
        // Half of all places are kept for destinations that answer.
        if lane.isDead, lane.workers > 0 || deadWorkers >= max(1, settings.concurrency / 2) { break }
        guard let claim = take(&lane) else { break }
        lane.workers += 1
        workers += 1
        if lane.isDead { deadWorkers += 1 }
        lanes[key] = lane
        result.append((key, claim))
      }
    }
    return result
  }

  /// The next claim for a worker of a destination; `nil` ends the worker.
  mutating func next(_ key: String) -> QueueClaim? {
    guard var lane = lanes[key], lane.workers <= lane.window, lane.workers <= settings.destinationConcurrency,
      let claim = take(&lane)
    else { return nil }
    lanes[key] = lane
    return claim
  }

  /// Takes what waits longest, mail of class `list` only behind the other and within its share of all places (R27).
  private mutating func take(_ lane: inout Lane) -> QueueClaim? {
    let claim: QueueClaim
    if !lane.normal.isEmpty {
      claim = lane.normal.removeFirst()
    } else if !lane.list.isEmpty, listWorkers < max(1, settings.concurrency * settings.listShare / 100) {
      claim = lane.list.removeFirst()
      listWorkers += 1
    } else {
      return nil
    }
    lane.waiting -= claim.message.recipients.count
    return claim
  }

  /// Notes that a claim is settled.
  ///
  /// - Parameter wasTaken: whether a worker had it; `false` for one that was drained.
  mutating func finish(_ claim: QueueClaim, wasTaken: Bool) {
    load -= claim.message.recipients.count
    guard claim.message.mailClass == .list else { return }
    listLoad -= claim.message.recipients.count
    if wasTaken { listWorkers -= 1 }
  }

  /// Notes how a connection fared; a destination that answers gets one connection more.
  mutating func note(_ contact: RemoteSender.Contact, lane key: String) {
    guard var lane = lanes[key] else { return }
    switch contact {
    case .made:
      if lane.isDead { deadWorkers -= lane.workers }
      lane.isDead = false
      lane.window = min(lane.window + 1, settings.destinationConcurrency)
    case .paced:
      if lane.isDead { deadWorkers -= lane.workers }
      lane.isDead = false
      lane.window = max(1, lane.window / 2)
    case .failed:
      if !lane.isDead { deadWorkers += lane.workers }
      lane.isDead = true
      lane.window = 1
    case .notTried: break
    }
    lanes[key] = lane
  }

  /// Takes everything that waits at a destination.
  mutating func drain(_ key: String) -> [QueueClaim] {
    guard var lane = lanes[key] else { return [] }
    let claims = lane.normal + lane.list
    (lane.normal, lane.list, lane.waiting) = ([], [], 0)
    lanes[key] = lane
    return claims
  }

  /// Notes the end of a worker.
  mutating func end(_ key: String) {
    guard var lane = lanes[key] else { return }
    lane.workers -= 1
    workers -= 1
    if lane.isDead { deadWorkers -= 1 }
    // What is known of a destination is forgotten with its last mail, so that the table stays small.
    lanes[key] = lane.workers == 0 && lane.normal.isEmpty && lane.list.isEmpty ? nil : lane
  }
}

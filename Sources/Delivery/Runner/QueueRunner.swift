import Basics
import Logging
import MailQueue

/// Runs the queue: claims what is due, spreads it over destinations, and records what comes of it.
actor QueueRunner {
  private let queue: MailQueue
  private let attempts: AttemptMaker
  private let settler: Settler
  private let live: LiveSettings
  private var settings: DeliverySettings { live.value }
  private let time: any TimeSource
  private let log: Logger
  private var table: LaneTable
  private var isStopping = false
  /// Asks the running loop to look; a stream does not outlive a cancelled loop, so each run has its own.
  private var signal: AsyncStream<Void>.Continuation?

  init(
    queue: MailQueue, attempts: AttemptMaker, settler: Settler, live: LiveSettings, time: any TimeSource,
    log: Logger
  ) {
    self.queue = queue
    self.attempts = attempts
    self.settler = settler
    self.live = live
    self.time = time
    self.log = log
    table = LaneTable(settings: live.value)
  }

  /// Works until the task is cancelled or ``stop()`` is called; claims that were not begun go back to the queue.
  func run() async {
    let (signals, signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    self.signal = signal
    (isStopping, wakeup) = (false, nil)
    await withDiscardingTaskGroup { group in
      group.addTask { [queue] in try? await queue.watchOtherProcesses() }
      group.addTask { [queue, live, time] in
        while (try? await time.sleep(for: live.value.sweepInterval)) != nil { await queue.sweep() }
      }
      let changes = queue.changes()
      group.addTask { for await _ in changes { signal.yield() } }
      signal.yield()
      for await _ in signals {
        if isStopping || Task.isCancelled { break }
        await look(&group)
      }
      await giveBack()
      // Workers finish what they began, as a transaction cut off after its end may arrive twice; but nobody waits long.
      let end = time.uptime + settings.drainTime
      while table.workers > 0, !Task.isCancelled, time.uptime < end { try? await Task.sleep(for: .milliseconds(20)) }
      group.cancelAll()
    }
  }

  /// Ends ``run()`` when the attempts under way are finished, or the drain time is over.
  func stop() {
    isStopping = true
    signal?.yield()
  }

  /// How many attempts are under way and how many recipients are claimed.
  var load: (workers: Int, recipients: Int) { (table.workers, table.load) }

  /// Looks once for due mail, starts workers, and arranges for the next look.
  private func look(_ group: inout DiscardingTaskGroup) async {
    let now = time.now
    var isFull = false
    table.settings = settings
    do {
      for mailClass in MailClass.allCases {
        let room = min(table.room(mailClass), 500)
        guard room > 0 else { continue }
        let claims = try await queue.claimDue(
          limit: room, now: now, mailClass: mailClass, excluding: table.saturated)
        for claim in claims { table.add(claim, lane: attempts.lane(claim.destination)) }
        if claims.reduce(0, { $0 + $1.message.recipients.count }) >= room { isFull = true }
      }
    } catch {
      log.error("queue cannot be read", metadata: ["error": "\(error)"])
      wake(after: settings.troublePause, &group)
    }
    for (key, claim) in table.start() { group.addTask { await self.work(key, claim) } }
    if isFull {
      signal?.yield()
    } else if let next = try? await queue.nextDue(after: now) {
      wake(after: min(max(next - time.now, .zero), settings.longestSleep), &group)
    } else {
      wake(after: settings.longestSleep, &group)
    }
  }

  private var wakeup: (at: Timestamp, number: Int)?
  private var wakeups = 0

  /// Arranges for a look; an earlier one that is arranged already stands for it.
  private func wake(after pause: Duration, _ group: inout DiscardingTaskGroup) {
    let at = time.now + pause
    if let wakeup, wakeup.at <= at, wakeup.at > time.now { return }
    wakeups += 1
    let number = wakeups
    wakeup = (at, number)
    group.addTask { [time, signal] in
      try? await time.sleep(for: max(pause, .milliseconds(1)))
      await self.woke(number)
      signal?.yield()
    }
  }

  private func woke(_ number: Int) { if wakeup?.number == number { wakeup = nil } }

  /// Works off one destination until nothing waits there.
  private func work(_ key: String, _ first: QueueClaim) async {
    let worker = attempts.worker()
    var current: QueueClaim? = first
    while let claim = current {
      guard !isStopping, !Task.isCancelled else {
        await settler.giveBack([claim])
        table.finish(claim, wasTaken: true)
        break
      }
      let (outcomes, contact) = await worker.attempt(claim)
      if Task.isCancelled {
        await settler.settleInterrupted(claim, outcomes)
        table.finish(claim, wasTaken: true)
        break
      }
      table.note(contact, lane: key)
      await settler.settle(claim, outcomes)
      table.finish(claim, wasTaken: true)
      // A place for list mail is free again, perhaps for another destination.
      if claim.message.mailClass == .list { signal?.yield() }
      switch contact {
      case .failed: await failAlike(key, outcomes)
      case .paced: await pace(key, outcomes)
      case .made, .notTried: break
      }
      current = table.next(key)
    }
    await worker.end()
    table.end(key)
    signal?.yield()
  }

  /// What waits for a host that cannot be reached is put off at once, instead of each message finding out itself.
  private func failAlike(_ key: String, _ outcomes: [AttemptOutcome]) async {
    guard let text = outcomes.compactMap(\.failure).first, !text.isPermanent else { return }
    for other in table.drain(key) {
      await settler.settle(other, other.message.recipients.map { AttemptOutcome(recipient: $0, failure: text) })
      table.finish(other, wasTaken: false)
    }
  }

  /// What waits for a host that asked for less is put off unattempted, for a while (R28).
  private func pace(_ key: String, _ outcomes: [AttemptOutcome]) async {
    guard let text = outcomes.compactMap(\.failure).first(where: \.slowsDown) else { return }
    let until = time.now + settings.pacePause
    for other in table.drain(key) {
      await settler.pace(other, text, until: until)
      table.finish(other, wasTaken: false)
    }
  }

  private func giveBack() async {
    for key in table.lanes.keys {
      let claims = table.drain(key)
      await settler.giveBack(claims)
      for claim in claims { table.finish(claim, wasTaken: false) }
    }
  }
}

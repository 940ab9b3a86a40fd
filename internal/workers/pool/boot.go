package pool

// bootState is what is known about coming up. Only deaths before ready count here, and those before
// a first answer that no request explains: a worker that crashes after it served is replaced at once.
type bootState struct {
	ever     bool  // a worker has been ready once
	failures int   // since a worker's first answer
	until    timer // runs while no attempt is made
	fatal    bool  // nothing can ever be served; said once
}

// fatalBoots is how many workers may die before the first one ever was ready.
const fatalBoots = 5

func (b *bootState) pause() Time {
	return min(backoffMin<<min(b.failures-1, 10), backoffMax)
}

func (p *Pool) backOff(now Time) {
	p.boot.failures++
	p.timers.set(&p.boot.until, timerBackoff, now+p.boot.pause())
}

// Hello reports that a worker is ready.
func (p *Pool) Hello(now Time, id SpawnID) {
	w := p.find(id)
	if w == nil || w.state != StateStarting {
		return
	}
	w.ready = now
	if life := p.opts.MaxLifetime; life > 0 {
		w.leaveAt = now + life + Time(p.rng.Int64N(int64(p.opts.LifetimeDelta)+1))
		p.startCycle(now)
	}
	p.boot.ever = true
	p.move(w, StateReady, now-w.decided, nil)
	if w.proving {
		w.proving = false
		p.commitReload(now)
	}
	if p.opts.Scaler != nil {
		p.startCycle(now)
	}
	p.settle(now)
}

// firstAnswer ends the pauses between attempts: a worker has come up and served.
func (p *Pool) firstAnswer(w *worker) {
	if w.requests == 1 {
		p.boot.failures = 0
		p.timers.clear(&p.boot.until)
	}
}

// BootFailed reports that a worker could not come up and says why. Its process ends by itself.
func (p *Pool) BootFailed(now Time, id SpawnID, code int, text string) {
	w := p.find(id)
	if w == nil || w.state != StateStarting {
		return
	}
	w.failCode, w.failText = code, text
}

// bootFailed deals with the death of a worker that never was ready.
func (p *Pool) bootFailed(now Time, w *worker, d Death) {
	text := w.failText
	if text == "" {
		text = d.Text
	}
	if w.proving {
		p.refuseReload(now, text)
		return
	}
	p.backOff(now)
	if p.boot.ever {
		p.warn("a worker did not come up: %s; next attempt in %v", text, p.boot.pause())
		return
	}
	if w.failText != "" && p.opts.NeedApp || p.boot.failures >= fatalBoots {
		code := w.failCode
		if code == 0 {
			code = 1
		}
		p.fatal(code, text)
	}
}

func (p *Pool) fatal(code int, text string) {
	if !p.boot.fatal {
		p.boot.fatal = true
		p.emit(Effect{Op: OpFatal, Code: code, Text: text})
	}
}

// ForkFailed reports that the template could not fork.
func (p *Pool) ForkFailed(now Time, id SpawnID, text string) {
	w := p.find(id)
	if w == nil {
		return
	}
	w.failText = "the template could not fork: " + text
	p.Died(now, id, Death{Text: w.failText})
}
